import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';
import { SealstreamError } from '../ledger/error.js';
import { printable } from '../ledger/text.js';
import { admitFew } from './admission.js';
import { readMetricsOptions } from './given.js';
import type { LogReport } from './log-report.js';
import type { Sealer } from './sealer.js';
import { TOLERANCE_MS } from './stream-clock.js';

export interface MetricsServerOptions {
  readonly sealer: Sealer;
  /** 0 takes a free one; see MetricsServer.port. */
  readonly port: number;
  /** Address to listen on. Default: 127.0.0.1; there is no authentication. */
  readonly host?: string;
  /** Milliseconds: a head older than this is unhealthy. Default: twice the heartbeat. */
  readonly maxHeadAge?: number;
}

export interface MetricsServer {
  readonly host: string;
  readonly port: number;
  close(): Promise<void>;
}

const DEFAULT_HOST = '127.0.0.1';

/** A connection that has not sent its request by then is closed. */
const LIMITS = {
  requestTimeout: 5_000,
  headersTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
  maxHeaderSize: 8_192,
};

/**
 * Serves `/metrics` (Prometheus text) and `/healthz`: 200 with `ok`, or 503 with one line per log
 * that is refused or whose head is too old, or dated in the future. Throws `configuration` where it cannot listen.
 */
export async function startMetricsServer(given: MetricsServerOptions): Promise<MetricsServer> {
  const options = readMetricsOptions(given);
  // Only who serves metrics pays for loading them: a tenth of the start of `seal`.
  const { sealerMetrics } = await import('./metrics.js');
  const registry = sealerMetrics(options.sealer);
  const maxHeadAge = options.maxHeadAge ?? 2 * options.sealer.settings.heartbeat;
  const started = performance.now();
  const { host = DEFAULT_HOST, port } = options;
  const server = createServer(LIMITS, (request, response) => {
    const problems = () => [
      ...options.sealer.problems(),
      ...unhealthy(options.sealer.report(), maxHeadAge, performance.now() - started),
    ];
    answer(request, response, registry, problems).catch((error: unknown) => {
      response.writeHead(500, { 'content-type': 'text/plain' });
      response.end(`${printable(error instanceof Error ? error.message : String(error))}\n`);
    });
  });
  admitFew(server);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      const message = `metrics cannot be served on ${host} port ${port}: ${error.message}`;
      reject(new SealstreamError('configuration', message, { cause: error }));
    });
    server.listen(port, host, resolve);
  });
  const address = server.address() as AddressInfo;
  return {
    host: address.address,
    port: address.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** What is wrong, one line per log; empty: nothing. `uptime`: milliseconds since it could seal. */
function unhealthy(
  logs: readonly LogReport[],
  maxHeadAge: number,
  uptime: number,
): readonly string[] {
  const problems: string[] = [];
  for (const log of logs) {
    const place = `${log.topic}/${log.partition}`;
    if (log.refusal !== null) {
      problems.push(`${place}: refused: ${log.refusal.reason}`);
      continue;
    }
    const age = log.headAgeSeconds === null ? uptime : log.headAgeSeconds * 1000;
    if (-age > TOLERANCE_MS) {
      problems.push(`${place}: the head is dated ${Math.round(-age / 1000)} s in the future`);
      continue;
    }
    // After a long stop every head is old until the first checkpoints are through.
    if (Math.min(age, uptime) <= maxHeadAge) continue;
    problems.push(`${place}: the head is ${Math.round(age / 1000)} s old${outage(log)}`);
  }
  return problems;
}

function outage(log: LogReport): string {
  return log.waiting === null ? '' : `: ${log.waiting}`;
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  registry: Registry,
  problems: () => readonly string[],
): Promise<void> {
  const send = (status: number, type: string, text: string): void => {
    // Nobody keeps a connection, and so its descriptor, for the next question.
    response.writeHead(status, { 'content-type': type, connection: 'close' });
    response.end(request.method === 'HEAD' ? undefined : text);
  };
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    send(405, 'text/plain', 'only GET and HEAD\n');
    return;
  }
  const path = (request.url ?? '/').split('?', 1)[0];
  if (path === '/metrics') {
    send(200, registry.contentType, await registry.metrics());
  } else if (path === '/healthz') {
    const found = problems();
    const isHealthy = found.length === 0;
    const text = isHealthy ? 'ok' : printable(found.join('\n'));
    send(isHealthy ? 200 : 503, 'text/plain', `${text}\n`);
  } else {
    send(404, 'text/plain', 'there are /metrics and /healthz\n');
  }
}
