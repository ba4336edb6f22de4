# Operator and gateway in one image: docker build -t localhost/gamesession/gamesession:0.1.0 .
# BASE is any image that has python3 (3.11 or later) with venv, and CA certificates.
ARG BASE=python:3.13-slim
FROM ${BASE}

# Packages first: they change less often than the code. No installer stays in the image.
COPY requirements.lock /tmp/requirements.lock
RUN python3 -m venv /opt/gamesession \
    && /opt/gamesession/bin/pip install --no-cache-dir --disable-pip-version-check \
        --require-hashes --only-binary :all: -r /tmp/requirements.lock \
    && /opt/gamesession/bin/pip uninstall --yes --quiet pip \
    && rm /tmp/requirements.lock

# Compiled here: the root file system of a running pod is read-only.
COPY operator/gamesession /opt/gamesession/app/gamesession
RUN /opt/gamesession/bin/python -m compileall -q /opt/gamesession/app

ENV PYTHONPATH=/opt/gamesession/app PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
EXPOSE 8080 9090
# A number, so that Kubernetes can see that it is not root.
USER 65532:65532
ENTRYPOINT ["/opt/gamesession/bin/python", "-m", "gamesession"]
