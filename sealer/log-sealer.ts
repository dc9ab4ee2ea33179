import type { Checkpoint } from '../ledger/checkpoint.js';
import { configurationLine } from '../ledger/configuration-line.js';
import { SealstreamError } from '../ledger/error.js';
import type { LogState } from '../ledger/log.js';
import type { MemorySlot } from '../store/memory.js';
import type { Bounds, RecordBatch } from '../stream/stream.js';
import { askTime, inClockTurn } from './ask-time.js';
import { checkpoint, publishRecorded, step } from './checkpointing.js';
import { lastNamed } from './configuration.js';
import { placeOf, type SealContext, type Totals } from './context.js';
import { timeToSign } from './host-time.js';
import { checkTail, inspectMemory, type Recorded } from './inspect.js';
import { isDoubt, type Reached, SeenEnd } from './seen-end.js';
import type { Turns } from './turns.js';

/** A log while it is being sealed; null before it is recovered. */
interface Sealing {
  readonly state: LogState;
  slot: MemorySlot;
  sealed: Checkpoint | null;
  /** Bytes of record bodies chained since the last checkpoint. */
  bytes: bigint;
  /** The configuration that the log names: of the configuration topic, by its last chained record. */
  named: string | null;
}

/**
 * Seals one log: recovers where it stands, chains what is read, signs and publishes. It knows no
 * schedule; seal-loop.ts and seal-once.ts drive it.
 */
export class LogSealer {
  readonly context: SealContext;
  /** Where the log ends, as far as it is known. */
  readonly end: SeenEnd;
  #sealing: Sealing | null = null;
  #lastSealed: Checkpoint | null = null;
  #waited = 0;

  constructor(context: SealContext) {
    this.context = context;
    this.end = new SeenEnd(context);
  }

  get place(): string {
    return placeOf(this.context);
  }

  /** The newest checkpoint that this process knows of this log; it stays known after a refusal. */
  get sealed(): Checkpoint | null {
    return this.#lastSealed;
  }

  /** Records chained since the last checkpoint. */
  get unsealedRecords(): bigint {
    return this.#sealing === null ? 0n : this.#sealing.state.size - (this.sealed?.size ?? 0n);
  }

  /** Whether the log has grown, by records or by other offsets, since the last checkpoint. */
  get hasGrown(): boolean {
    return this.#sealing !== null && this.#sealing.state.next !== this.#sealing.sealed?.next;
  }

  /** Whether the newest checkpoint names another configuration than the one in force. */
  get isReconfigured(): boolean {
    const configuration = this.#configuration;
    const sealed = this.#sealing?.sealed ?? null;
    return configuration !== null && sealed !== null && namedBy(sealed) !== configuration;
  }

  /** Where the log starts; null: not recovered. */
  get first(): bigint | null {
    return this.#sealing?.state.first ?? null;
  }

  /** First offset that is not in the chain of this process; null: not recovered. */
  get next(): bigint | null {
    return this.#sealing?.state.next ?? null;
  }

  /** What this process has sealed, for metrics. */
  get totals(): Readonly<Totals> {
    return { ...this.context.totals };
  }

  /** Milliseconds spent waiting for a turn: no sign of an outage. */
  get waited(): number {
    return this.#waited;
  }

  async inTurn<T>(turns: Turns, work: (progress: () => void) => Promise<T>): Promise<T> {
    const asked = this.#monotonic();
    return turns.take((progress) => {
      this.#waited += this.#monotonic() - asked;
      return work(progress);
    });
  }

  /**
   * Goes to where memory, published head and log agree, publishing what was recorded and not yet
   * published. Chained records that were not sealed are forgotten: they are read again.
   *
   * Throws SealRefused, or class `retry` during an outage; `timeout` while the high watermark is
   * behind what was read and may yet come back.
   */
  async recover(signal: AbortSignal): Promise<void> {
    this.forget();
    const { slot, state, sealed } = await this.#publishWaiting(signal);
    const bounds = await this.#checkTail(state);
    await this.end.checkDoubted(bounds);
    await askTime(this.context, { slot, sealed }, signal);
    await step(this.context, 'recovered', state.size);
    this.#sealing = { state, slot, sealed, bytes: 0n, named: namedBy(sealed) };
    this.#lastSealed = sealed;
    this.end.recovered(bounds.highWatermark, this.#reached);
  }

  /** Drops what is chained and not sealed. */
  forget(): void {
    this.#sealing = null;
  }

  /** After `error` the log may hold other records than were chained: recover compares. */
  doubt(error: unknown): void {
    if (isDoubt(error) && this.unsealedRecords > 0n) this.end.doubt(this.#current().state.last());
  }

  /** Takes note of where the log ends while it is read. Throws as SeenEnd.follow. */
  follow(highWatermark: bigint): void {
    this.end.follow(highWatermark, this.#reached);
  }

  /** Chains a batch that was read at `next`. `end`: where the stream says the batch or log ends. */
  async append(batch: RecordBatch, end: bigint): Promise<void> {
    const sealing = this.#current();
    const { state } = sealing;
    await step(this.context, 'read', state.size);
    if (batch.count > 0) {
      state.append(batch);
      sealing.bytes += bodyBytes(batch);
      if (this.#isConfiguration)
        sealing.named = lastNamed(batch, batch.nextOffset) ?? sealing.named;
    }
    skip(state, batch.nextOffset < end ? batch.nextOffset : end);
    await step(this.context, 'chained', state.size);
  }

  /** Counts offsets as seen that hold no data record. */
  skipTo(next: bigint): void {
    skip(this.#current().state, next);
  }

  /**
   * Holds the end of the log against the chain once more: for a log that stands still, whose next
   * checkpoint says only that nothing has changed.
   */
  async checkUnchanged(): Promise<void> {
    const { state } = this.#current();
    if (!this.hasGrown) await this.#checkTail(state);
  }

  /**
   * Learns which configuration is in force, before a checkpoint is made; waits for that only for a
   * moment. The configuration topic's own log says it by itself, up to where it is chained.
   */
  async askConfiguration(signal: AbortSignal): Promise<void> {
    if (this.#isConfiguration) return;
    await this.context.configuration?.refresh(namedBy(this.#sealing?.sealed ?? null), signal);
  }

  /** Learns the stream's time where that is due. Throws SealRefused where our clock is ahead of it. */
  async askTime(signal: AbortSignal): Promise<void> {
    await askTime(this.context, this.#current(), signal);
  }

  /** `work` makes a checkpoint: the first of all logs, whose time nobody has told yet, alone. */
  async inClockTurn<T>(work: () => Promise<T>): Promise<T> {
    return inClockTurn(this.context, work);
  }

  /**
   * Signs where the log stands now, and publishes it; records may be chained meanwhile. false:
   * another sealer was first: recover, and go on from its checkpoint.
   */
  async checkpoint(signal: AbortSignal): Promise<boolean> {
    const sealing = this.#current();
    const before = this.sealed?.size ?? 0n;
    const { bytes } = sealing;
    const toSeal = { ...sealing, configuration: this.#configuration };
    const wasKnown = this.context.streamClock.isKnown;
    const done = await checkpoint(this.context, toSeal, signal);
    if (done === null) return false;
    sealing.slot = done.slot;
    sealing.sealed = done.checkpoint;
    this.#lastSealed = done.checkpoint;
    const { totals } = this.context;
    totals.records += done.checkpoint.size - before;
    totals.bytes += bytes;
    totals.checkpoints += 1;
    sealing.bytes -= bytes;
    this.end.sealed(this.#reached);
    // Of the first of all only its own acknowledgement has told the stream's time.
    if (!wasKnown) timeToSign(this.context);
    return true;
  }

  /**
   * A recorded checkpoint is published before the log is looked at: had the log been changed
   * between recording and publishing, then this is what shows it to the world.
   */
  async #publishWaiting(signal: AbortSignal): Promise<Recorded> {
    for (;;) {
      const found = await inspectMemory(this.context);
      const waiting = found.slot.record.checkpoint;
      if (found.sealed === null || waiting === null || waiting.published) return found;
      const slot = await publishRecorded(this.context, found.slot, found.sealed, signal);
      if (slot.record.checkpoint?.note === waiting.note) return { ...found, slot };
    }
  }

  async #checkTail(state: LogState): Promise<Bounds> {
    try {
      return await this.inTurn(this.context.tails, () => checkTail(this.context, state));
    } catch (error) {
      throw this.end.patiently(error);
    }
  }

  get #reached(): Reached {
    const { state } = this.#sealing ?? { state: null };
    return { sealed: this.sealed?.next ?? state?.first ?? 0n, chained: state?.next ?? null };
  }

  get #isConfiguration(): boolean {
    const { configuration, topic, partition } = this.context;
    return configuration?.topic === topic.topic && partition === 0;
  }

  /** Hash of the configuration in force; null: not known. */
  get #configuration(): string | null {
    if (this.#isConfiguration) return this.#sealing?.named ?? null;
    const sealed = this.#sealing?.sealed ?? null;
    return this.context.configuration?.after(namedBy(sealed), sealed?.time ?? 0) ?? null;
  }

  #current(): Sealing {
    if (this.#sealing !== null) return this.#sealing;
    throw new SealstreamError('internal', `${this.place} is not recovered`);
  }

  #monotonic(): number {
    return this.context.settings.clock.monotonic();
  }
}

function namedBy(sealed: Checkpoint | null): string | null {
  return sealed === null ? null : (configurationLine(sealed)?.hash ?? null);
}

function skip(state: LogState, next: bigint): void {
  if (next > state.next) state.skipTo(next);
}

function bodyBytes(batch: RecordBatch): bigint {
  let bytes = 0;
  for (let index = 0; index < batch.count; index += 1) {
    bytes += (batch.bodyEnd[index] ?? 0) - (batch.bodyStart[index] ?? 0);
  }
  return BigInt(bytes);
}
