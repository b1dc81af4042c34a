"""A patient's browser: one worrying answer over HTTP, tried until it is taken."""

import time
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import httpx

from survey import clock
from tests.faults.crowd import BREATHLESS
from tests.faults.load import FORM_TOKEN

(TAP,) = BREATHLESS.taps
PATIENCE_S, AGAIN_AFTER_S = 60.0, 0.2


@dataclass(frozen=True, slots=True)
class Submitted:
    """A worrying answer that was taken: when the try that was taken began, and how long it took."""

    response: UUID
    at: datetime
    took_s: float


class Browser:
    """One session, opened already."""

    def __init__(self, url: str, token: str) -> None:
        self._client = httpx.Client(base_url=url, cookies={"daytwo-patient": token}, timeout=10, trust_env=False)
        self._url = url

    def look(self) -> None:
        """Open the question: the first visitor of a process waits until the protocol is read."""
        with self._client:
            self._client.get(f"/check-in/questions/{TAP.item}")

    def worry(self, response: UUID) -> Submitted:
        """Say that breath is short. Raises AssertionError when nobody takes it for a minute."""
        deadline = time.monotonic() + PATIENCE_S
        with self._client:
            while time.monotonic() < deadline:
                pressed, began = clock.now(), time.monotonic()
                if self._answer():
                    return Submitted(response=response, at=pressed, took_s=time.monotonic() - began)
                time.sleep(AGAIN_AFTER_S)
        raise AssertionError(f"for {PATIENCE_S:.0f} s nobody took an answer")

    def _answer(self) -> bool:
        path = f"/check-in/questions/{TAP.item}"
        try:
            page = self._client.get(path)
            found = FORM_TOKEN.search(page.text)
            if found is None:
                assert page.status_code == 503, f"the question was answered {page.status_code}"
                return False
            sent = {**TAP.form, "csrf_token": found[1]}
            return self._client.post(path, data=sent, headers={"Origin": self._url}).status_code == 303
        except httpx.HTTPError:
            return False
