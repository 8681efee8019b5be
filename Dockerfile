# Builds `moe`. The image that runs is the SDK's, too: the demo learns from the reference documentation that ships with the SDK.
FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
WORKDIR /source
COPY . .
RUN dotnet publish Cli/Cli.csproj -c Release -o /moe

FROM mcr.microsoft.com/dotnet/sdk:10.0
COPY --from=build /moe /moe

# The image has a user without rights; what is kept is its own. Mount volumes on /data, which is where runs/ and relative places of checkpoints are.
RUN mkdir -p /data && chown "$APP_UID" /data
USER $APP_UID
WORKDIR /data

# One arena: threads that come and go, as connections and snapshots do, leave memory behind in each that GNU's C library makes for them.
ENV MALLOC_ARENA_MAX=1

ENV HOME=/data DOTNET_CLI_HOME=/tmp MOE_LISTEN_ADDRESS=0.0.0.0
EXPOSE 11111 30000 8081

# Other commands take the place of `silo`: docker run IMAGE demo. The silo is told everything by variables MOE_..., see docs/deploy.md.
ENTRYPOINT ["dotnet", "/moe/moe.dll"]
CMD ["silo"]
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s \
  CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/${MOE_HEALTH_PORT:-8081} && printf 'GET /health/live HTTP/1.0\\r\\n\\r\\n' >&3 && head -1 <&3 | grep -q ' 200 '"]
