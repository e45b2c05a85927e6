# docker build -t mmdfkd . && docker run --gpus all -v "$PWD:/runs" mmdfkd distill ... --work-dir /runs/first
# Written with care, not built yet: torch's wheel brings CUDA, and so any small Python will do.
FROM python:3.12-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgl1 libglib2.0-0 \
    && rm -rf /var/lib/apt/lists/*
COPY . /src
RUN pip install --no-cache-dir "/src[lite,mnist5k,export]" && rm -rf /src
WORKDIR /runs
ENTRYPOINT ["mmdfkd"]
