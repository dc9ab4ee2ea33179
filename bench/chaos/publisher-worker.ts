/** One publisher's life as a process of its own; argument 1 is its WorkerOptions as JSON. */
import { openSync, writeFileSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { SealstreamError } from '../../ledger/error.js';
import { type Publisher, publisher } from '../../producer/publisher.js';
import { partitionFor } from '../../stream/default-partitioner.js';
import { openStream } from '../../stream/open.js';
import type { Logger, Stream } from '../../stream/stream.js';
import {
  AckWriter,
  acksFile,
  encodeOutcome,
  endFile,
  eventId,
  type OutcomeKind,
  outcomesFile,
  parseEventId,
} from './notes.js';

export interface WorkerOptions {
  readonly url: string;
  readonly topic: string;
  readonly partitions: number;
  readonly life: number;
  readonly name: string;
  /** Events a second. */
  readonly rate: number;
  readonly keys: number;
  readonly folder: string;
  readonly deadlineMs: number;
  readonly timeoutMs: number;
}

const TURN_MS = 10;
const FLUSH_MS = 20;
/** Publishes without an outcome per partition; beyond it, its keys are left out for others. */
const MOST_OPEN = 2000;
/** What a publisher that fell behind may catch up with, in seconds of its rate. */
const CATCH_UP_SECONDS = 2;

function say(level: string): (fields: object, message: string) => void {
  return (fields, message) => {
    const { error, ...rest } = fields as { error?: unknown };
    const reason = error instanceof Error ? error.message : error;
    const time = new Date().toISOString();
    const line = JSON.stringify({ time, level, message, ...rest, reason }, (_, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    );
    process.stderr.write(`${line}\n`);
  };
}

const LOGGER: Logger = {
  debug: () => {},
  info: say('info'),
  warn: say('warn'),
  error: say('error'),
};

/** Publishes at the rate until told to stop, and notes every outcome. */
class Worker {
  readonly #options: WorkerOptions;
  readonly #acks: readonly AckWriter[];
  readonly #outcomes: number;
  readonly #named = new Set<string>();
  #issued = 0;
  #acknowledged = 0;
  readonly #keys: readonly { readonly key: string; readonly partition: number }[];
  readonly #open: number[];
  #turn = 0;
  stopped = false;

  constructor(options: WorkerOptions) {
    this.#options = options;
    const { folder, life, partitions } = options;
    this.#keys = Array.from({ length: options.keys }, (_, index) => {
      const key = `${options.name}-${index}`;
      return { key, partition: partitionFor(Buffer.from(key), partitions) };
    });
    this.#open = Array.from({ length: partitions }, () => 0);
    this.#acks = Array.from(
      { length: partitions },
      (_, partition) => new AckWriter(acksFile(folder, life, partition)),
    );
    this.#outcomes = openSync(outcomesFile(folder, life), 'a');
  }

  note(sequence: number, kind: OutcomeKind, offset = -1n): void {
    writeSync(this.#outcomes, encodeOutcome({ sequence, kind, offset }));
  }

  async run(to: Publisher): Promise<void> {
    const { rate } = this.#options;
    const flushing = setInterval(() => this.#flush(), FLUSH_MS);
    let [due, last] = [0, performance.now()];
    while (!this.stopped) {
      const now = performance.now();
      due = Math.min(due + ((now - last) / 1000) * rate, CATCH_UP_SECONDS * rate);
      last = now;
      while (due >= 1 && this.#publishNext(to)) due -= 1;
      await sleep(TURN_MS);
    }
    await to.close();
    clearInterval(flushing);
    for (const acks of this.#acks) acks.close();
  }

  /** false: no partition has room. */
  #publishNext(to: Publisher): boolean {
    for (let tried = 0; tried < this.#keys.length; tried += 1) {
      this.#turn = (this.#turn + 1) % this.#keys.length;
      const next = this.#keys[this.#turn];
      if (next !== undefined && (this.#open[next.partition] ?? 0) < MOST_OPEN) {
        this.#publish(to, this.#issued++, next.key, next.partition);
        return true;
      }
    }
    return false;
  }

  #publish(to: Publisher, sequence: number, key: string, expected: number): void {
    this.#open[expected] = (this.#open[expected] ?? 0) + 1;
    const event = {
      event_id: eventId(this.#options.life, sequence),
      action: 'chaos.publish',
      actor: { id: key },
      resources: [{ type: 'sequence', id: String(sequence) }],
    };
    const settled = (): void => {
      this.#open[expected] = (this.#open[expected] ?? 0) - 1;
    };
    to.publish(event, { key }).then(
      ({ partition, offset }) => {
        settled();
        this.#acknowledged += 1;
        this.#acks[partition]?.add(offset, sequence);
      },
      (error: unknown) => {
        settled();
        this.#failed(sequence, error);
      },
    );
  }

  #failed(sequence: number, error: unknown): void {
    const code = error instanceof SealstreamError ? error.code : 'not-a-sealstream-error';
    this.note(sequence, code === 'outcome-unknown' ? 'unknown' : 'rejected');
    if (this.#named.has(code)) return;
    this.#named.add(code);
    LOGGER.warn({ code, sequence, error }, 'the first publish to end so');
  }

  #flush(): void {
    for (const acks of this.#acks) acks.flush();
  }

  end(): void {
    const { folder, life } = this.#options;
    const end = { issued: this.#issued, acknowledged: this.#acknowledged };
    writeFileSync(endFile(folder, life), JSON.stringify(end));
  }
}

/** A service starts again until its brokers can be asked. */
async function open(stream: Stream, options: WorkerOptions, worker: Worker) {
  const { topic, name, deadlineMs } = options;
  for (;;) {
    try {
      return await publisher({
        stream,
        topic,
        source: `/chaos/${name}`,
        instanceId: name,
        lingerMs: 20,
        deadlineMs,
        onLearned: ({ event_id, offset }) => {
          const id = parseEventId(event_id ?? '');
          if (id === null) throw new Error(`learned of ${event_id}, which was never published`);
          if (offset === null) worker.note(id.sequence, 'learned-absent');
          else worker.note(id.sequence, 'learned', offset);
        },
      });
    } catch (error) {
      if (!(error instanceof SealstreamError) || error.class !== 'retry') throw error;
      if (worker.stopped) return null;
      LOGGER.info({ error }, 'not started yet');
      await sleep(500);
    }
  }
}

async function main(): Promise<void> {
  const options = JSON.parse(process.argv[2] ?? '') as WorkerOptions;
  const worker = new Worker(options);
  process.once('SIGTERM', () => {
    worker.stopped = true;
  });
  const { url, timeoutMs } = options;
  const stream = await openStream(url, { logger: LOGGER, timeoutMs });
  const to = await open(stream, options, worker);
  if (to !== null) await worker.run(to);
  await stream.close();
  worker.end();
}

await main();
