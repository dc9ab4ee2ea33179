import { openCheckpoint } from '../ledger/checkpoint.js';
import { configurationOfBody } from '../ledger/configuration-line.js';
import { asSealstreamError, SealstreamError } from '../ledger/error.js';
import type { PublicKey } from '../ledger/keys.js';
import type { Memory } from '../store/memory.js';
import { readSlot } from '../store/slot.js';
import { readBounds, readRange } from '../stream/read.js';
import type { RecordBatch, Stream, TopicIdentity } from '../stream/stream.js';
import { backoffDelay, pause } from './backoff.js';
import { originOf } from './context.js';
import type { Settings } from './options.js';

/** What was read is trusted to be new for this long. */
const FRESH_MS = 1_000;
/** How long checkpoints wait for an answer, once an outage. */
const WAIT_MS = 5_000;
/** How long a request that cannot be taken back is waited for at the end. */
const STOP_MS = 1_000;
/** Configurations that the topic named and that are kept: the newest. */
const MOST_NAMED = 10_000;
/** Longest pause before a topic that cannot be read is tried again. */
const RETRY_MS = 60_000;

const PARTITION = 0;
const GONE: ReadonlySet<string> = new Set(['topic-missing', 'topic-recreated']);

export interface ConfigurationPlace {
  readonly stream: Stream;
  readonly memory: Memory;
  readonly ledger: string;
  /** The name of the configuration topic. */
  readonly topic: string;
  readonly publicKey: PublicKey;
}

/** How far the topic was read. */
interface Reading {
  readonly identity: TopicIdentity;
  position: bigint;
  /** The hash of the last record below `position` that names a configuration. */
  found: string | null;
  /** The hashes of those, oldest first; one that is named again is the newest. */
  readonly named: Set<string>;
  /** The topic was once known to reach this offset. */
  reached: bigint;
}

/**
 * Which configuration is in force, for the checkpoints of all logs of a sealer: the one that the last
 * record of the configuration topic names by its header. Nothing else of a record is looked at.
 *
 * The topic is read beside the sealing, only what is new of it. Where it does not answer, is gone, was
 * made again or goes back, `current` is null and checkpoints go on without an answer: whoever breaks
 * this topic stops no log, and takes back nothing that was signed.
 */
export class ConfigurationWatch {
  readonly topic: string;
  readonly #place: ConfigurationPlace;
  readonly #settings: Settings;
  #reading: Reading | null = null;
  /** Of the topic that was read first. */
  #topicId: string | null = null;
  #current: string | null = null;
  /** By the monotonic clock: since when checkpoints name what the topic, as it is read, does not. */
  readonly #unknownSince = new Map<string, number>();
  #work: { readonly done: Promise<void>; readonly stop: AbortController } | null = null;
  #notBefore = Number.NEGATIVE_INFINITY;
  #failures = 0;
  /** Said and waited for once: until the topic answers again nobody waits for it. */
  #isFailing = false;

  constructor(place: ConfigurationPlace, settings: Settings) {
    this.topic = place.topic;
    this.#place = place;
    this.#settings = settings;
  }

  /** The hash in force; null: it cannot be told now, or none is recorded. */
  get current(): string | null {
    return this.#current;
  }

  /**
   * The hash that the checkpoint after one of this time, which names `named`, is to name; null: what
   * was named stays. Where the topic does not hold what is named, whoever named it has read further,
   * and the topic is shown to us as it was: for as long as a high watermark may stay behind nothing
   * goes back to what was in force before. After that the record is lost, and what is there counts.
   */
  after(named: string | null, time: number): string | null {
    const current = this.#current;
    if (current === null || named === null || named === current) return current;
    if (this.#reading?.named.has(named) === true) {
      this.#unknownSince.delete(named);
      return current;
    }
    const { clock, truncatedAfter } = this.#settings;
    const now = clock.monotonic();
    const since = this.#unknownSince.get(named) ?? now;
    this.#unknownSince.set(named, since);
    const isOver = now - since >= truncatedAfter || clock.now() - time >= truncatedAfter;
    return isOver ? current : null;
  }

  /** Reads on in the background where that is due. */
  look(): void {
    if (this.#settings.clock.monotonic() >= this.#notBefore) this.#start();
  }

  #start(): void {
    if (this.#work !== null) return;
    const stop = new AbortController();
    const done = this.#refresh(stop.signal).finally(() => {
      this.#work = null;
    });
    this.#work = { done, stop };
  }

  /**
   * Makes `current` at most a second old, or gives up soon. Where it is not `named`, which the last
   * checkpoint names, asks anew: another sealer may have read later than we did. Never rejects.
   */
  async refresh(named: string | null, signal: AbortSignal): Promise<void> {
    const { clock } = this.#settings;
    const until = clock.monotonic() + WAIT_MS;
    const isUnderWay = this.#work !== null;
    this.look();
    const isNew = !isUnderWay && this.#work !== null;
    await this.#wait(until - clock.monotonic(), signal);
    const isOther = this.#current !== null && named !== null && this.#current !== named;
    if (!isOther || isNew || signal.aborted) return;
    this.#start();
    await this.#wait(until - clock.monotonic(), signal);
  }

  async #wait(milliseconds: number, signal: AbortSignal): Promise<void> {
    const work = this.#work;
    if (work === null || this.#isFailing) return;
    const enough = new AbortController();
    const onAbort = (): void => enough.abort();
    signal.addEventListener('abort', onAbort, { once: true });
    if (!signal.aborted)
      await Promise.race([work.done, pause(Math.max(0, milliseconds), enough.signal)]);
    signal.removeEventListener('abort', onAbort);
    enough.abort();
    if (this.#work === work && !signal.aborted) this.#fail('it does not answer');
  }

  /** Ends what is under way; it may be asked again. */
  async stop(): Promise<void> {
    const work = this.#work;
    work?.stop.abort();
    const enough = new AbortController();
    await Promise.race([work?.done, pause(STOP_MS, enough.signal)]);
    enough.abort();
  }

  async #refresh(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#settings;
    try {
      const found = await this.#readOn(signal);
      if (signal.aborted) return;
      this.#current = found;
      if (this.#isFailing) logger.info({ topic: this.topic }, 'the configuration topic is read');
      this.#isFailing = false;
      this.#failures = 0;
      this.#notBefore = clock.monotonic() + FRESH_MS;
    } catch (error) {
      if (signal.aborted) return;
      const { message } = asSealstreamError(error, 'internal', this.topic);
      this.#failures += 1;
      this.#notBefore =
        clock.monotonic() + Math.min(RETRY_MS, FRESH_MS * 2 ** Math.min(this.#failures, 10));
      this.#fail(message);
    }
  }

  #fail(why: string): void {
    this.#current = null;
    if (this.#isFailing) return;
    this.#isFailing = true;
    this.#settings.logger.warn(
      { topic: this.topic, error: why },
      'the configuration topic cannot be read: checkpoints go on naming the configuration they had',
    );
  }

  /** Goes on after an outage until the sealer's timeout. */
  async #readOn(signal: AbortSignal): Promise<string | null> {
    const { clock, timeout } = this.#settings;
    const deadline = clock.monotonic() + timeout;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#read(signal);
      } catch (error) {
        const isOutage = error instanceof SealstreamError && error.class === 'retry';
        if (error instanceof SealstreamError && GONE.has(error.code)) this.#reading = null;
        if (!isOutage || signal.aborted || clock.monotonic() >= deadline) throw error;
        await pause(backoffDelay(attempt), signal);
      }
    }
  }

  async #read(signal: AbortSignal): Promise<string | null> {
    const { stream } = this.#place;
    const options = { timeoutMs: this.#settings.timeout, signal, recycle: true };
    this.#reading ??= await this.#open();
    const reading = this.#reading;
    const bounds = await readBounds(stream, reading.identity, PARTITION, options);
    const { highWatermark, logStart } = bounds;
    if (highWatermark < reading.reached) {
      // What was read may be gone for good, and other records may come in its place.
      reading.position = 0n;
      reading.found = null;
      reading.named.clear();
      throw new SealstreamError(
        'log-diverged',
        `${this.topic}/${PARTITION} reached offset ${reading.reached} and ends at ${highWatermark}`,
      );
    }
    if (reading.position < logStart) reading.position = logStart;
    const range = { partition: PARTITION, from: reading.position, until: highWatermark };
    for await (const { batches, next } of readRange(stream, reading.identity, range, options)) {
      for (const batch of batches) {
        for (const hash of allNamed(batch, highWatermark)) keepNamed(reading, hash);
      }
      reading.position = next.offset;
      // The last batch may reach beyond; the rest of it is looked at once it can be read.
      if (reading.position > highWatermark) reading.position = highWatermark;
    }
    reading.reached = highWatermark;
    return reading.found;
  }

  /** Another topic of the name than the one that is sealed says nothing, nor one that lost records. */
  async #open(): Promise<Reading> {
    const { stream, memory, ledger, publicKey } = this.#place;
    const described = await stream.describe(this.topic);
    if (described === null) {
      throw new SealstreamError('topic-missing', `${stream.url} has no topic ${this.topic}`);
    }
    const identity = { topic: described.topic, topicId: described.topicId };
    const origin = originOf(ledger, identity, PARTITION);
    const key = { ledger, topic: this.topic, partition: PARTITION };
    const record = (await readSlot(memory, key))?.record;
    const isOther = record === undefined ? this.#isOther(identity) : record.origin !== origin;
    if (isOther) {
      throw new SealstreamError(
        'topic-recreated',
        `${this.topic} has the id ${identity.topicId} now and is another topic than before: run ` +
          'verify, then adopt',
      );
    }
    this.#topicId = identity.topicId;
    const note = record?.checkpoint?.note;
    const sealed = note === undefined ? null : openCheckpoint(note, origin, publicKey);
    return { identity, position: 0n, found: null, named: new Set(), reached: sealed?.next ?? 0n };
  }

  #isOther({ topicId }: TopicIdentity): boolean {
    return this.#topicId !== null && this.#topicId !== topicId;
  }
}

function keepNamed(reading: Reading, hash: string): void {
  const { named } = reading;
  reading.found = hash;
  named.delete(hash);
  named.add(hash);
  if (named.size <= MOST_NAMED) return;
  for (const oldest of named) {
    named.delete(oldest);
    return;
  }
}

/** The hashes that a batch's records below `until` name by their headers, in order. */
function* allNamed(batch: RecordBatch, until: bigint): Generator<string> {
  for (let index = 0; index < batch.count; index += 1) {
    if ((batch.offsets[index] ?? until) >= until) return;
    const hash = configurationOfBody(batch.bytes, batch.bodyStart[index], batch.bodyEnd[index]);
    if (hash !== null) yield hash;
  }
}

/** The hash that the last of a batch's records below `until` names by its header; null: none does. */
export function lastNamed(batch: RecordBatch, until: bigint): string | null {
  for (let index = batch.count - 1; index >= 0; index -= 1) {
    if ((batch.offsets[index] ?? until) >= until) continue;
    const hash = configurationOfBody(batch.bytes, batch.bodyStart[index], batch.bodyEnd[index]);
    if (hash !== null) return hash;
  }
  return null;
}
