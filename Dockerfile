# One image for every role: `daytwo web`, `daytwo worker paging`, `daytwo sentinel`, … The command chooses.
# The target `front` is a second, small one: the proxy that lets `web` have any number of copies behind one port.

FROM docker.io/library/python:3.11-slim-bookworm AS base
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1


FROM base AS build
WORKDIR /app
RUN python -m venv --without-pip /opt/daytwo
COPY requirements.lock requirements-dev.lock pyproject.toml ./
RUN python -m pip --python /opt/daytwo/bin/python install --no-cache-dir --no-deps --require-hashes -r requirements.lock
COPY survey survey
COPY workers workers
COPY templates templates
COPY config config
# Installed in place, for templates/ and config/ stand beside survey/. setuptools, pinned like the rest, only for that.
# README.md is a package index's business. Byte code is made now: at run time the root file system is read-only.
RUN awk '/^setuptools==/ { on = 1 } on { print } on && !/\\$/ { exit }' requirements-dev.lock > /tmp/build.lock \
 && python -m pip --python /opt/daytwo/bin/python install --no-cache-dir --no-deps --require-hashes -r /tmp/build.lock \
 && touch README.md \
 && python -m pip --python /opt/daytwo/bin/python install --no-cache-dir --no-deps --no-build-isolation --editable . \
 && python -m pip --python /opt/daytwo/bin/python uninstall --yes setuptools \
 && rm -rf config/compose build ./*.egg-info README.md requirements-dev.lock \
 && find /app -name __pycache__ -prune -exec rm -rf {} + \
 && /opt/daytwo/bin/python -m compileall -q -j 0 /opt/daytwo/lib /app/survey /app/workers


FROM base AS front
RUN apt-get update \
 && apt-get install --yes --no-install-recommends haproxy \
 && rm -rf /var/lib/apt/lists/*
COPY config/compose/front.cfg config/compose/unavailable.http /etc/haproxy/
USER 10001:10001
CMD ["haproxy", "-W", "-db", "-f", "/etc/haproxy/front.cfg"]


FROM base AS app
COPY --from=build /opt/daytwo /opt/daytwo
COPY --from=build /app /app
ENV PATH=/opt/daytwo/bin:/usr/local/bin:/usr/bin:/bin HOME=/tmp
WORKDIR /app
USER 10001:10001
ENTRYPOINT ["daytwo"]
CMD ["--help"]
