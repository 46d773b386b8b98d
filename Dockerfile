# The quickstart in a container: data, three adapters, the loop, a report.
#
#   docker build -t lorid .                                          # CPU
#   docker build -t lorid --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu130 .   # CUDA
#   docker run --rm -v "$PWD/runs:/lorid/runs" lorid                  # --gpus all with CUDA
#   docker run --rm -it -v "$PWD/runs:/lorid/runs" lorid lorid-train solve "What is 7 + 5?"
FROM python:3.12-slim

# The CPU build of torch is a tenth of the size of the others.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu

ENV PIP_NO_CACHE_DIR=1 PYTHONUNBUFFERED=1 HF_HOME=/lorid/.cache/huggingface
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY prompts ./prompts
COPY datasets_cards ./datasets_cards
COPY configs ./configs
COPY lorid_data ./lorid_data
COPY lorid_train ./lorid_train

# In the README's order: torch first, so that nothing later chooses another build of it.
RUN pip install --index-url "$TORCH_INDEX" torch==2.13.0
RUN pip install -c constraints.txt '.[train]'

# Nothing here needs root, and what is written belongs to the user.
RUN useradd --create-home --uid 1000 lorid && mkdir -p /lorid/runs && chown -R lorid:lorid /lorid
USER lorid
WORKDIR /lorid
CMD ["lorid-train", "quickstart"]
