# The web app and, with another command, the API: see compose.yaml.
#   docker build -t ecg .        docker run --rm -p 127.0.0.1:3000:3000 ecg
#   docker run --rm -p 127.0.0.1:8000:8000 -e ECG_API_HOST=0.0.0.0 ecg python -m ecglib.api
FROM python:3.11-slim

# Index of a torch without GPU libraries, a tenth of the size; no GPU is needed here.
ARG TORCH_INDEX=""

ENV PIP_NO_CACHE_DIR=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MPLBACKEND=Agg

RUN useradd --create-home --uid 1000 ecg
WORKDIR /ecg

# Dependencies before the sources, so that a change of the sources does not reinstall them.
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY ecglib/__init__.py ecglib/__init__.py
RUN if [ -n "$TORCH_INDEX" ]; then \
        pip install --constraint constraints.txt --index-url "$TORCH_INDEX" torch; \
    fi \
    && pip install --constraint constraints.txt --editable '.[app,api]'

COPY . .
# Mount a folder with mitdb/ at /ecg/data. Without recordings the demo tries to download them, and
# otherwise shows synthetic beats, marked as such.
RUN mkdir -p data outputs && chown -R ecg:ecg data outputs
USER ecg

EXPOSE 3000 8000
# The image has no curl, so Python asks. The check of the API is in compose.yaml.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:3000/voila/static/voila.js', timeout=4)"]
CMD ["python", "-m", "voila", "notebooks/05_classifier_demo.ipynb", \
     "--Voila.config_file_paths=app", "--Voila.ip=0.0.0.0"]
