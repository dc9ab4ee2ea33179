import type { AppenderOptions, Logger, TopicIdentity } from '../../stream.js';
import { jittered } from '../connection/back-off.js';
import type { Inquiry } from './partition-producer.js';
import type { FoundBatch, ProducePort } from './produce-port.js';

const ATTEMPTS = 8;
const LONGEST_PAUSE_MS = 5000;

/** Reads back what became of batches whose appends ended as unknown, once a fence stands. */
export class Inquirer {
  readonly #port: ProducePort;
  readonly #topic: TopicIdentity;
  readonly #pauseMs: number;
  readonly #logger: Logger | null;
  readonly #onLearned: AppenderOptions['onLearned'];
  readonly #running = new Set<Promise<void>>();
  /** Each ends one pause. */
  readonly #pauses = new Set<() => void>();
  #closed = false;

  constructor(
    port: ProducePort,
    topic: TopicIdentity,
    pauseMs: number,
    logger: Logger | null,
    onLearned: AppenderOptions['onLearned'],
  ) {
    this.#port = port;
    this.#topic = topic;
    this.#pauseMs = pauseMs;
    this.#logger = logger;
    this.#onLearned = onLearned;
  }

  start(inquiry: Inquiry): void {
    const running = this.#inquire(inquiry).finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** Waits for what is being read; a pause between two attempts ends it. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const end of this.#pauses) end();
    await Promise.all(this.#running);
  }

  async #inquire(inquiry: Inquiry): Promise<void> {
    const { partition, from, until, batches } = inquiry;
    const identities = batches.map(({ identity }) => identity);
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      try {
        const found = await this.#port.findBatches(partition, { from, until }, identities);
        this.#tell(inquiry, found);
        return;
      } catch (error) {
        const place = { topic: this.#topic.topic, partition, attempt, error };
        this.#logger?.warn(place, 'cannot read back a batch whose append ended as unknown');
        const wholeMs = Math.min(this.#pauseMs * 2 ** attempt, LONGEST_PAUSE_MS);
        if (!(await this.#pause(jittered(wholeMs)))) return;
      }
    }
  }

  #tell({ partition, batches }: Inquiry, found: readonly FoundBatch[]): void {
    batches.forEach(({ batch, fenced }, index) => {
      const read = found[index] ?? { kind: 'undetermined' };
      const result: FoundBatch =
        read.kind === 'absent' && !fenced ? { kind: 'undetermined' } : read;
      const fields = { topic: this.#topic.topic, partition, records: batch.count, ...result };
      this.#logger?.warn(fields, 'a batch whose append ended as unknown was looked for');
      if (result.kind === 'undetermined') return;
      const baseOffset = result.kind === 'found' ? result.baseOffset : null;
      try {
        this.#onLearned?.({ partition, batch, baseOffset });
      } catch (error) {
        // The caller's own failure: what was learned is told once, and the others are told too.
        this.#logger?.error({ ...fields, error }, 'onLearned threw');
      }
    });
  }

  /** false: closed meanwhile. */
  #pause(ms: number): Promise<boolean> {
    if (this.#closed) return Promise.resolve(false);
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#pauses.delete(end);
        resolve(!this.#closed);
      };
      const timer = setTimeout(end, ms);
      this.#pauses.add(end);
    });
  }
}
