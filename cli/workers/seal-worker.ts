/** The first file of a thread that seals: a whole sealer with its own stream and memory. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { signingKeyFromPem } from '../../ledger/keys.js';
import { dealt } from '../../sealer/count.js';
import type { LogReport } from '../../sealer/log-report.js';
import type { Change } from '../../sealer/options.js';
import { plainError, plainSealed } from '../../sealer/plain.js';
import { type Sealer, sealer } from '../../sealer/sealer.js';
import { openMemory } from '../../store/folder.js';
import { openStream } from '../../stream/open.js';
import { logger } from '../logger.js';
import { type FromThread, REPORT_MS, type SealShare } from './seal-job.js';

/** A thousand logs that change phase together make a few reports, not a thousand. */
const GATHER_MS = 50;

class Reporting {
  readonly #port: MessagePort;
  readonly #timer: NodeJS.Timeout;
  #sealer: Sealer | null = null;
  #gathering: NodeJS.Timeout | null = null;

  constructor(port: MessagePort) {
    this.#port = port;
    this.#timer = setInterval(() => this.#post(), REPORT_MS);
  }

  on(running: Sealer): void {
    this.#sealer = running;
    this.#post();
  }

  changed(change: Change): void {
    // What is given up is not in the next report: its last counts would be lost.
    if (change === 'giving-up') this.#post();
    else this.#gathering ??= setTimeout(() => this.#post(), GATHER_MS);
  }

  end(): void {
    clearInterval(this.#timer);
    if (this.#gathering !== null) clearTimeout(this.#gathering);
  }

  #post(): void {
    if (this.#gathering !== null) clearTimeout(this.#gathering);
    this.#gathering = null;
    const running = this.#sealer;
    if (running === null) return;
    post(this.#port, { kind: 'report', logs: running.report(), problems: running.problems() });
  }
}

function post(port: MessagePort, message: FromThread): void {
  port.postMessage(message);
}

async function seal(
  port: MessagePort,
  share: SealShare,
  stop: AbortSignal,
): Promise<readonly LogReport[]> {
  const { job, once, counts, index, threads } = share;
  const log = logger(job.logLevel);
  const { kafka, timeoutMs } = job;
  const stream = await openStream(job.url, {
    logger: log,
    ...(kafka && { kafka }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });
  const reporting = new Reporting(port);
  try {
    const memory = await openMemory(job.memory, { create: true });
    try {
      const running = await sealer({
        stream,
        ledger: job.ledger,
        topics: job.topics,
        configuration: job.configuration ?? null,
        signingKey: signingKeyFromPem(job.pem),
        memory,
        every: job.every,
        records: job.records,
        heartbeat: job.heartbeat,
        takes: dealt(counts, index, threads),
        logger: log,
        hooks: {
          change: (change) => reporting.changed(change),
          unchecked: (why) => post(port, { kind: 'unchecked', why }),
        },
      });
      reporting.on(running);
      if (once) {
        const results = await running.sealOnce(stop);
        post(port, { kind: 'sealed', results: results.map(plainSealed) });
        return [];
      }
      return await running.run(stop);
    } finally {
      await memory.close();
    }
  } finally {
    reporting.end();
    await stream.close();
  }
}

async function main(port: MessagePort, share: SealShare): Promise<void> {
  const stop = new AbortController();
  port.on('message', () => stop.abort());
  // Listening alone must not keep the thread alive.
  port.unref();
  try {
    const logs = await seal(port, share, stop.signal);
    post(port, { kind: 'ended', logs });
  } catch (error) {
    post(port, { kind: 'failed', error: plainError(error) });
  }
}

if (parentPort !== null) await main(parentPort, workerData);
