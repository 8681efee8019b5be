# Runs `moe` from source. The image is the SDK's, not only the runtime's: the demo learns from the reference documentation
# that ships with the SDK.
FROM mcr.microsoft.com/dotnet/sdk:10.0
WORKDIR /moe
COPY . .

# Builds, so that a container only runs.
RUN ./moe --help

# Runs, checkpoints and status lie in runs/NAME of the folder where a command starts: mount a volume on /data to keep them.
WORKDIR /data
ENTRYPOINT ["/moe/moe"]
CMD ["demo"]
