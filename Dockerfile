# With the C compiler that the native hashing is built by; the same Debian as below.
FROM node:22-bookworm AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN SEALSTREAM_NATIVE=required npm run build && npm prune --omit=dev --no-audit --no-fund && chmod +x dist/cli/main.js

FROM node:22-bookworm-slim
ENV NODE_ENV=production
COPY --from=build /app/package.json /app/package.json
COPY --from=build /app/node_modules /app/node_modules
COPY --from=build /app/dist /app/dist
# Volumes take the owner of the folder that they are first mounted on.
RUN ln -s /app/dist/cli/main.js /usr/local/bin/sealstream \
  && mkdir -p /srv/ledger /var/lib/sealstream/sealer /var/lib/sealstream/public /var/lib/sealstream/verified \
  && chown -R node:node /srv/ledger /var/lib/sealstream
USER node
WORKDIR /srv/ledger
ENTRYPOINT ["sealstream"]
CMD ["--help"]
