import { asSealstreamError, SealstreamError } from '../ledger/error.js';
import type { AppendOutcome } from '../stream/stream.js';
import type { Pending } from './pending.js';
import type { SinkBatch, SinkLane } from './sink.js';

export interface LaneEvents {
  /** Whenever a batch is large enough, or closed before; and again for each time that much more. */
  readonly onFull: () => void;
  /** A batch's outcome is unknown. */
  readonly onUnknown: (identity: object, records: readonly Pending[]) => void;
}

export interface LaneOptions {
  readonly lingerMs: number;
  /** A batch of at least this size is sent without waiting; it grows while another is under way. */
  readonly batchBytes: number;
}

interface Ready {
  readonly batch: SinkBatch;
  readonly records: readonly Pending[];
  readonly settled: () => void;
}

/**
 * One partition's records, in order: collected until the batch is large or old enough, and one
 * batch under way at a time, so that the next one grows while the last one is written.
 */
export class Lane {
  readonly #sink: SinkLane;
  readonly #options: LaneOptions;
  readonly #events: LaneEvents;
  readonly #ready: Ready[] = [];
  #open: Pending[] = [];
  #stopTimer: (() => void) | null = null;
  #due = false;
  #fullAt: number;
  #sending = false;
  /** Tells the records of the batch written last their outcome. */
  #unsettled: (() => void) | null = null;
  /** Resolves when the batch closed last has its outcome. */
  #last: Promise<void> = Promise.resolve();

  readonly #lingered = (): void => {
    this.#stopTimer = null;
    this.#due = true;
    this.#pump();
  };

  constructor(sink: SinkLane, options: LaneOptions, events: LaneEvents) {
    this.#sink = sink;
    this.#options = options;
    this.#fullAt = options.batchBytes;
    this.#events = events;
  }

  /** Copies `body`. */
  add(body: Uint8Array, timestamp: bigint, pending: Pending): void {
    if (!this.#sink.add(body, timestamp)) {
      this.#closeBatch();
      if (!this.#sink.add(body, timestamp)) {
        throw new SealstreamError('internal', 'a record that fits the topic fits no batch');
      }
    }
    this.#open.push(pending);
    if (this.#sink.sizeInBytes >= this.#fullAt) this.#filled();
    else if (!this.#due) this.#stopTimer ??= startTimer(this.#options.lingerMs, this.#lingered);
    if (!this.#sending) this.#pump();
  }

  /** Lets what is collected go as soon as the batch under way is done. */
  hurry(): void {
    this.#due = this.#open.length > 0;
    this.#pump();
  }

  /** Sends what is collected, and resolves once all of it has its outcome. */
  async flush(): Promise<void> {
    this.#closeBatch();
    this.#pump();
    await this.#last;
  }

  #filled(): void {
    this.#due = true;
    this.#stopTimer?.();
    this.#stopTimer = null;
    this.#fullAt = this.#sink.sizeInBytes + this.#options.batchBytes;
    this.#events.onFull();
  }

  #closeBatch(): void {
    this.#stopTimer?.();
    this.#stopTimer = null;
    this.#due = false;
    if (this.#open.length === 0) return;
    if (this.#fullAt === this.#options.batchBytes) this.#events.onFull();
    this.#fullAt = this.#options.batchBytes;
    const [batch, records] = [this.#sink.take(), this.#open];
    this.#open = [];
    this.#last = new Promise((settled) => {
      this.#ready.push({ batch, records, settled });
    });
  }

  #pump(): void {
    if (this.#sending) return;
    if (this.#ready.length === 0 && this.#due) this.#closeBatch();
    const next = this.#ready.shift();
    if (next === undefined) return;
    this.#sending = true;
    void outcomeOf(next.batch).then((outcome) => {
      this.#sending = false;
      this.#settleNow();
      // First the next batch: what the callers do now must not keep it waiting.
      this.#pump();
      if (outcome.kind === 'unknown') {
        this.#events.onUnknown(next.batch.identity, next.records);
      }
      this.#unsettled = () => {
        settle(next.records, outcome);
        next.settled();
      };
      // An appender sends within an immediate of its own, which has been asked for by now.
      if (this.#sending && outcome.kind === 'acknowledged') setImmediate(() => this.#settleNow());
      else this.#settleNow();
    });
  }

  #settleNow(): void {
    const unsettled = this.#unsettled;
    this.#unsettled = null;
    unsettled?.();
  }
}

/** Returns what stops it. Without a wait, whoever publishes in the same turn still is company. */
function startTimer(lingerMs: number, lingered: () => void): () => void {
  if (lingerMs === 0) {
    const immediate = setImmediate(lingered);
    return () => clearImmediate(immediate);
  }
  // A timer fires up to a millisecond after its time, never before.
  const timer = setTimeout(lingered, lingerMs - 1);
  return () => clearTimeout(timer);
}

/** An appender never rejects; one that does has told nothing about its batch. */
async function outcomeOf(batch: SinkBatch): Promise<AppendOutcome> {
  try {
    return await batch.send();
  } catch (error) {
    return { kind: 'unknown', error: asSealstreamError(error, 'outcome-unknown', 'append') };
  }
}

function settle(records: readonly Pending[], outcome: AppendOutcome): void {
  if (outcome.kind === 'acknowledged') {
    let offset = outcome.baseOffset;
    for (const record of records) record.acknowledged(offset++, outcome.timestamp);
    return;
  }
  for (const record of records) {
    if (outcome.kind === 'rejected') {
      record.failed(outcome.error);
      continue;
    }
    const { message } = outcome.error;
    const what = 'it is not known whether this was written; look for it before publishing again';
    const text = `${what}: ${message}`;
    record.failed(new SealstreamError('outcome-unknown', text, { cause: outcome.error }));
  }
}
