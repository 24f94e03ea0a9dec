# API and worker in one image; the command chooses the role. See docs/deploy/docker.md.
FROM node:24.21.0-slim AS install
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY apps/api/package.json apps/api/
COPY apps/qstash-dev/package.json apps/qstash-dev/
# The optional packages are the embedded Postgres and a Node for development.
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-bin-links

FROM node:24.21.0-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=install /app/node_modules node_modules
COPY package.json ./
COPY scripts scripts
COPY apps/api/package.json apps/api/
COPY apps/api/src apps/api/src
# The user "node", as a number: Kubernetes can tell from it that this is not root.
USER 1000
EXPOSE 4002
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s CMD ["node", "scripts/healthcheck.js"]
# Node itself is PID 1 and handles the signals: neither a shell nor npm stands between.
CMD ["node", "--import", "./scripts/require-node.js", "apps/api/src/index.ts"]
