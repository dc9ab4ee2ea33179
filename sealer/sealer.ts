import { SealstreamError } from '../ledger/error.js';
import { checkLedgerName, checkTopicName } from '../ledger/origin.js';
import type { Totals } from './context.js';
import { type GoneLog, goneLogs } from './gone.js';
import type { LogRunner, Phase } from './log-runner.js';
import { type SealerOptions, type Settings, settingsOf } from './options.js';
import type { Refusal } from './refusal.js';
import { SealLoop } from './seal-loop.js';
import { type SealedOnce, sealLogOnce } from './seal-once.js';
import { openTopic, SealedTopic } from './topic.js';

/** Where one log of a running sealer stands. Offsets and sizes are bigint, times are numbers. */
export interface LogReport {
  readonly topic: string;
  readonly partition: number;
  readonly origin: string;
  readonly phase: Phase;
  /** The newest checkpoint known here; null: none. */
  readonly sealed: { readonly size: bigint; readonly next: bigint; readonly time: number } | null;
  /** First offset that is not in the chain of this process, sealed or not; null: not recovered. */
  readonly next: bigint | null;
  /** null: the stream has not said. */
  readonly highWatermark: bigint | null;
  /** Offsets between the newest checkpoint and the end of the log. */
  readonly lagRecords: bigint | null;
  /** Seconds for which the log has held something that is not sealed; 0: all is. */
  readonly lagSeconds: number;
  /** Seconds since the newest checkpoint was signed; null: there is none. */
  readonly headAgeSeconds: number | null;
  readonly refusal: Refusal | null;
  /** The outage that this log waits out; null: none. */
  readonly waiting: string | null;
  /** What this process has sealed of this log. */
  readonly totals: Readonly<Totals>;
}

export interface Sealer {
  /**
   * Seals the partitions that the group gives this process until `signal` aborts, then publishes
   * last checkpoints and returns. Outages are waited out; a refusal stops its log only. Throws what
   * makes sealing impossible altogether: a missing topic, no rights, a wrong configuration. Gives
   * the logs as they stood when it was told to stop.
   */
  run(signal: AbortSignal): Promise<readonly LogReport[]>;
  /**
   * Seals every partition, empty ones too, up to the end seen at the start, whoever owns it. One
   * answer per partition, in order.
   */
  sealOnce(signal?: AbortSignal): Promise<readonly SealedOnce[]>;
  /** The logs that this process owns now, by topic and partition. */
  report(): readonly LogReport[];
  /** What is wrong with the sealer itself, one line each; empty: nothing. */
  problems(): readonly string[];
  readonly settings: Settings;
}

/** Throws `configuration` on options that cannot work. Stream and memory stay the caller's. */
export async function sealer(options: SealerOptions): Promise<Sealer> {
  const settings = settingsOf(options);
  checkLedgerName(options.ledger);
  for (const topic of options.topics) checkTopicName(topic);
  if (options.topics.length === 0) {
    throw new SealstreamError('configuration', 'the sealer has no topic: name at least one');
  }
  return new TopicsSealer(options, settings);
}

class TopicsSealer implements Sealer {
  readonly settings: Settings;
  readonly #options: SealerOptions;
  #loops: SealLoop[] = [];
  #gone: GoneLog[] = [];

  constructor(options: SealerOptions, settings: Settings) {
    this.#options = options;
    this.settings = settings;
  }

  async run(signal: AbortSignal): Promise<readonly LogReport[]> {
    let stopped: readonly LogReport[] = [];
    // Before any log hears of it, and lets go of what it stood at.
    const look = () => {
      stopped = this.report();
    };
    signal.addEventListener('abort', look, { once: true });
    try {
      await this.#runTopics(signal);
    } finally {
      signal.removeEventListener('abort', look);
    }
    return stopped;
  }

  async #runTopics(signal: AbortSignal): Promise<void> {
    // One topic that cannot be sealed at all ends the others too, cleanly: the process must be seen
    // to fail, and whatever starts it again finds everything in the memory.
    const failed = new AbortController();
    const stop = AbortSignal.any([signal, failed.signal]);
    const runs = this.#options.topics.map(async (name) => {
      try {
        await this.#runTopic(name, stop);
      } catch (error) {
        failed.abort();
        if (!signal.aborted) throw error;
      }
    });
    const results = await Promise.allSettled(runs);
    this.#loops = [];
    this.#gone = [];
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  async sealOnce(signal: AbortSignal = new AbortController().signal) {
    const results: SealedOnce[] = [];
    for (const name of this.#options.topics) {
      const topic = await this.#openWithin(name, signal).catch((error) => this.#lost(name, error));
      if (!(topic instanceof SealedTopic)) {
        results.push(...topic.map(notSealed));
        continue;
      }
      try {
        const logs = Array.from({ length: topic.partitions }, (_, partition) => partition)
          .filter((partition) => this.settings.takes(name, partition))
          .map((partition) => sealLogOnce(topic.log(partition), signal));
        results.push(...(await Promise.all(logs)));
      } finally {
        await topic.close();
      }
    }
    return results;
  }

  report(): readonly LogReport[] {
    const now = this.settings.clock.now();
    const monotonic = this.#monotonic();
    const running = this.#loops
      .flatMap((loop) => loop.logs)
      .map((runner) => reportOf(runner, now, monotonic));
    return [...running, ...this.#gone.map(reportOfGone)].sort(compareLogs);
  }

  problems(): readonly string[] {
    return [];
  }

  async #runTopic(name: string, signal: AbortSignal): Promise<void> {
    const opening = openTopic(this.#options, this.settings, name, signal, () => false);
    const topic = await opening.catch((error) => this.#lost(name, error));
    if (!(topic instanceof SealedTopic)) {
      // Kept in the report until the end: a deleted topic is no reason to stop sealing the others.
      this.#gone.push(...topic);
      await untilAborted(signal);
      return;
    }
    const loop = new SealLoop(this.#options, this.settings, topic);
    this.#loops.push(loop);
    await loop.run(signal);
  }

  #openWithin(name: string, signal: AbortSignal): Promise<SealedTopic> {
    const deadline = this.#monotonic() + this.settings.timeout;
    const giveUp = () => this.#monotonic() >= deadline;
    return openTopic(this.#options, this.settings, name, signal, giveUp);
  }

  /** The logs lost with a missing topic; throws `error` where it is another, or none were. */
  async #lost(name: string, error: unknown): Promise<readonly GoneLog[]> {
    if (!(error instanceof SealstreamError && error.code === 'topic-missing')) throw error;
    const { memory, ledger } = this.#options;
    const known = await goneLogs(memory, ledger, name, this.settings.clock);
    if (known.length === 0) throw error;
    const gone = known.filter(({ topic, partition }) => this.settings.takes(topic, partition));
    for (const { origin, refusal } of gone) {
      this.settings.logger.error({ log: origin, reason: refusal.reason }, refusal.message);
    }
    return gone;
  }

  #monotonic(): number {
    return this.settings.clock.monotonic();
  }
}

/** By topic and partition. */
export function compareLogs(a: LogReport, b: LogReport): number {
  return a.topic.localeCompare(b.topic) || a.partition - b.partition;
}

function reportOf(runner: LogRunner, now: number, monotonic: number): LogReport {
  const { log } = runner;
  const { sealed, highWatermark, unsealedSince } = log;
  const { topic, partition, origin } = log.context;
  const sealedTo = sealed?.next ?? log.first;
  return {
    topic: topic.topic,
    partition,
    origin,
    phase: runner.phase,
    sealed: sealed && { size: sealed.size, next: sealed.next, time: sealed.time },
    next: log.next,
    highWatermark,
    lagRecords: highWatermark === null || sealedTo === null ? null : lag(highWatermark, sealedTo),
    lagSeconds: unsealedSince === null ? 0 : Math.max(0, monotonic - unsealedSince) / 1000,
    headAgeSeconds: sealed && Math.max(0, now - sealed.time) / 1000,
    refusal: runner.refusal,
    waiting: runner.waiting,
    totals: log.totals,
  };
}

function reportOfGone(gone: GoneLog): LogReport {
  return {
    ...gone,
    phase: 'refused',
    sealed: null,
    next: null,
    highWatermark: null,
    lagRecords: null,
    lagSeconds: 0,
    headAgeSeconds: null,
    waiting: null,
    totals: { records: 0n, bytes: 0n, checkpoints: 0 },
  };
}

function notSealed(gone: GoneLog): SealedOnce {
  return { ...gone, sealed: null, records: 0n, error: null };
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function lag(highWatermark: bigint, sealedTo: bigint): bigint {
  return highWatermark > sealedTo ? highWatermark - sealedTo : 0n;
}
