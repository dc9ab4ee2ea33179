import { asSealstreamError, SealstreamError } from '../ledger/error.js';
import { signal as signalKind } from '../ledger/given.js';
import { checkLedgerName, checkTopicName } from '../ledger/origin.js';
import { abortWith } from './abort.js';
import { askThroughOthers } from './ask-others.js';
import { backoffDelay, pause } from './backoff.js';
import { ConfigurationWatch } from './configuration.js';
import { type GoneLog, goneLogs } from './deleted-topics.js';
import { readSealerOptions } from './given.js';
import { compareLogs, type LogReport, reportOf, reportOfGone } from './log-report.js';
import { type SealerOptions, type Settings, settingsOf } from './options.js';
import { SealLoop } from './seal-loop.js';
import { type SealedOnce, sealLogOnce } from './seal-once.js';
import { StreamClock } from './stream-clock.js';
import { openTopic, SealedTopic, type Shared } from './topic.js';

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

/** Throws `usage` on options that are none, `configuration` on those that cannot work. Stream and memory stay the caller's. */
export async function sealer(given: SealerOptions): Promise<Sealer> {
  const options = readSealerOptions(given);
  const settings = settingsOf(options);
  checkLedgerName(options.ledger);
  for (const topic of options.topics) checkTopicName(topic);
  if (options.configuration != null) checkTopicName(options.configuration);
  if (options.topics.length === 0) {
    throw new SealstreamError('configuration', 'the sealer has no topic: name at least one');
  }
  return new TopicsSealer(options, settings);
}

/** Attempts after which the configuration topic is tried again no more seldom: about every 4 s. */
const SELDOM = 6;
/** Until a topic that is gone is looked for again, doubled each time up to the second. */
const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 60_000;
const GONE: ReadonlySet<string> = new Set(['topic-missing', 'topic-recreated']);

class TopicsSealer implements Sealer {
  readonly settings: Settings;
  readonly #options: SealerOptions;
  readonly #shared: Shared;
  #loops: SealLoop[] = [];
  /** By topic. */
  readonly #gone = new Map<string, readonly GoneLog[]>();
  /** Why the configuration topic is not sealed. */
  #problem: string | null = null;

  constructor(options: SealerOptions, settings: Settings) {
    this.#options = options;
    this.settings = settings;
    const { stream, memory, ledger, configuration: topic, signingKey } = options;
    const place = { stream, memory, ledger, publicKey: signingKey.publicKey };
    const configuration =
      topic == null ? null : new ConfigurationWatch({ ...place, topic }, settings);
    const streamClock = new StreamClock(settings, (own, signal) =>
      askThroughOthers(this.#shared, own, signal),
    );
    this.#shared = { options, settings, configuration, streamClock };
  }

  async run(signal: AbortSignal): Promise<readonly LogReport[]> {
    signalKind(signal, 'run: the signal');
    let stopped: readonly LogReport[] = [];
    // Before any log hears of it, and lets go of what it stood at.
    const look = () => {
      stopped = this.report();
    };
    signal.addEventListener('abort', look, { once: true });
    try {
      await this.#runTopics(signal);
    } finally {
      await this.#shared.configuration?.stop();
      signal.removeEventListener('abort', look);
    }
    return stopped;
  }

  async #runTopics(signal: AbortSignal): Promise<void> {
    // One topic that cannot be sealed at all ends the others too, cleanly: the process must be seen
    // to fail, and whatever starts it again finds everything in the memory.
    const stop = abortWith(signal);
    const runs = this.#options.topics.map(async (name) => {
      try {
        if (name === this.#options.configuration) await this.#runConfiguration(name, stop.signal);
        else await this.#runTopic(name, stop.signal);
      } catch (error) {
        stop.abort();
        if (!signal.aborted) throw error;
      }
    });
    const results = await Promise.allSettled(runs);
    stop.release();
    this.#loops = [];
    this.#gone.clear();
    this.#problem = null;
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  async sealOnce(signal: AbortSignal = new AbortController().signal) {
    const stop = abortWith(signalKind(signal, 'sealOnce: the signal'));
    try {
      return await this.#sealAll(stop.signal);
    } finally {
      stop.release();
    }
  }

  async #sealAll(signal: AbortSignal): Promise<readonly SealedOnce[]> {
    const { topics, configuration } = this.#options;
    const results = new Map<string, readonly SealedOnce[]>();
    // Beside the others: an outage of the configuration topic alone holds up none of them.
    const own = topics.find((name) => name === configuration);
    const beside = own === undefined ? [] : this.#configurationOnce(own, signal);
    try {
      for (const name of topics) {
        if (name !== own) results.set(name, await this.#topicOnce(name, signal));
      }
    } finally {
      if (own !== undefined) results.set(own, await beside);
      await this.#shared.configuration?.stop();
    }
    return topics.flatMap((name) => results.get(name) ?? []);
  }

  async #topicOnce(name: string, signal: AbortSignal): Promise<readonly SealedOnce[]> {
    const topic = await this.#openWithin(name, signal).catch((error) => this.#lost(name, error));
    if (!(topic instanceof SealedTopic)) return topic.map(notSealed);
    try {
      const logs = Array.from({ length: topic.partitions }, (_, partition) =>
        sealLogOnce(topic.log(partition), signal),
      );
      return await Promise.all(logs);
    } finally {
      await topic.close();
    }
  }

  /** What keeps the configuration topic as a whole from being sealed is an error of its one log. */
  async #configurationOnce(name: string, signal: AbortSignal): Promise<readonly SealedOnce[]> {
    try {
      return await this.#topicOnce(name, signal);
    } catch (failure) {
      const error = asSealstreamError(failure, 'internal', name);
      const nothing = { sealed: null, records: 0n, refusal: null };
      return [{ topic: name, partition: 0, origin: null, ...nothing, error }];
    }
  }

  report(): readonly LogReport[] {
    const now = this.settings.clock.now();
    const monotonic = this.#monotonic();
    const running = this.#loops
      .flatMap((loop) => loop.logs)
      .map((runner) => reportOf(runner, now, monotonic));
    return [...running, ...[...this.#gone.values()].flat().map(reportOfGone)].sort(compareLogs);
  }

  problems(): readonly string[] {
    return this.#problem === null ? [] : [this.#problem];
  }

  /** Tries again for ever: what keeps the configuration topic from being sealed stops no other. */
  async #runConfiguration(name: string, signal: AbortSignal): Promise<void> {
    for (let attempt = 1; !signal.aborted; attempt += 1) {
      try {
        await this.#runTopic(name, signal);
      } catch (error) {
        if (signal.aborted) throw error;
        const { message } = asSealstreamError(error, 'internal', name);
        const problem = `the configuration topic is not sealed: ${message}`;
        if (this.#problem !== problem) this.settings.logger.error({ topic: name }, problem);
        this.#problem = problem;
        await pause(backoffDelay(Math.min(attempt, SELDOM)), signal);
      }
    }
  }

  /** Opens the topic again whenever it is another one by now, or back. */
  async #runTopic(name: string, signal: AbortSignal): Promise<void> {
    for (let misses = 0; !signal.aborted; ) {
      const opening = openTopic(this.#shared, name, signal, () => false);
      const topic = await opening.catch((error) => this.#lost(name, error));
      if (topic instanceof SealedTopic) {
        misses = 0;
        this.#gone.delete(name);
        if (name === this.#options.configuration) this.#problem = null;
        await this.#runLoop(topic, signal);
      } else {
        // Kept in the report: a deleted topic is no reason to stop sealing the others.
        this.#gone.set(name, topic);
        await pause(Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** misses), signal);
        misses = Math.min(misses + 1, SELDOM);
      }
    }
  }

  async #runLoop(topic: SealedTopic, signal: AbortSignal): Promise<void> {
    const loop = new SealLoop(this.#options, this.settings, topic);
    this.#loops.push(loop);
    try {
      await loop.run(signal);
    } catch (error) {
      if (!isGone(error) || signal.aborted) throw error;
      // Opening it anew tells whether it was deleted, and of which logs.
      this.settings.logger.warn({ topic: topic.identity.topic }, error.message);
      await pause(backoffDelay(SELDOM), signal);
    } finally {
      if (!signal.aborted) this.#loops = this.#loops.filter((other) => other !== loop);
    }
  }

  #openWithin(name: string, signal: AbortSignal): Promise<SealedTopic> {
    const deadline = this.#monotonic() + this.settings.timeout;
    const giveUp = () => this.#monotonic() >= deadline;
    return openTopic(this.#shared, name, signal, giveUp);
  }

  /** The logs lost with a missing topic; throws `error` where it is another, or none were. */
  async #lost(name: string, error: unknown): Promise<readonly GoneLog[]> {
    if (!(error instanceof SealstreamError && error.code === 'topic-missing')) throw error;
    const { memory, ledger } = this.#options;
    const known = await goneLogs(memory, ledger, name, this.settings.clock);
    if (known.length === 0) throw error;
    const before = this.#gone.get(name) ?? [];
    const gone = known.map((log) => before.find(({ origin }) => origin === log.origin) ?? log);
    for (const log of gone) {
      const { origin, refusal } = log;
      if (before.includes(log)) continue;
      this.settings.logger.error({ log: origin, reason: refusal.reason }, refusal.message);
    }
    return gone;
  }

  #monotonic(): number {
    return this.settings.clock.monotonic();
  }
}

function notSealed(gone: GoneLog): SealedOnce {
  return { ...gone, sealed: null, records: 0n, error: null };
}

function isGone(error: unknown): error is SealstreamError {
  return error instanceof SealstreamError && GONE.has(error.code);
}
