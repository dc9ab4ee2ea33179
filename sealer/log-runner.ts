import { asSealstreamError, SealstreamError } from '../ledger/error.js';
import { encodeHex } from '../ledger/text.js';
import type { Fetched, Position } from '../stream/stream.js';
import { backoffDelay } from './backoff.js';
import { memoryKeyOf } from './context.js';
import { logStartMoved, refuseStrays } from './inspect.js';
import type { LogSealer } from './log-sealer.js';
import { mayPass, type Refusal, refusalOf, type SealRefused } from './refusal.js';
import { Schedule } from './schedule.js';

/** Until a refused log is looked at again, doubled each time up to the second. */
const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 60_000;

export type Phase = 'recovering' | 'sealing' | 'refused';

/**
 * One log in the seal loop: what phase it is in, and the one task (recovering, or publishing a
 * checkpoint) that runs beside the loop, so that neither an outage nor a refusal of one log holds
 * up the others.
 */
export class LogRunner {
  readonly log: LogSealer;
  #phase: Phase = 'recovering';
  #refusal: Refusal | null = null;
  #waiting: string | null = null;
  #task: Promise<void> | null = null;
  #schedule: Schedule | null = null;
  #attempt = 0;
  #notBefore = 0;
  /** Where a corrupt batch was met. */
  #corruptAt: bigint | null = null;
  #seek: Position | null = null;
  /** What the memory held before the last recovery, or at the refusal, in hex; null: not known. */
  #memoryThen: string | null = null;
  /** By the monotonic clock. */
  #refusedAt = 0;
  /** How often it was looked at again since a checkpoint was made. */
  #looks = 0;

  constructor(log: LogSealer) {
    this.log = log;
  }

  get phase(): Phase {
    return this.#phase;
  }

  get refusal(): Refusal | null {
    return this.#refusal;
  }

  /** The outage that this log waits out; null: none. */
  get waiting(): string | null {
    return this.#waiting;
  }

  /** The task that runs beside the loop; settles, never rejects. */
  get task(): Promise<void> | null {
    return this.#task;
  }

  /** Refused, and what the memory held then is not known yet; see lookAgain. */
  get isFreshlyRefused(): boolean {
    return this.#phase === 'refused' && this.#memoryThen === null;
  }

  /** Where the reader has to go; once per recovery. */
  takeSeek(): Position | null {
    const seek = this.#seek;
    this.#seek = null;
    return seek;
  }

  /** Milliseconds until this log needs the loop. */
  get left(): number {
    if (this.#phase === 'refused' || this.#task !== null) return Number.POSITIVE_INFINITY;
    if (this.#phase === 'recovering') return this.#notBefore - this.#now();
    if (!this.#isCheckpointable) return Number.POSITIVE_INFINITY;
    return this.#schedule?.left ?? 0;
  }

  /** Starts the task that is due, if none runs. */
  start(signal: AbortSignal): void {
    if (this.#task !== null || this.left > 0) return;
    const work =
      this.#phase === 'recovering'
        ? this.#recover(signal)
        : this.log.inClockTurn(() => this.#checkpoint(signal));
    this.#task = work
      .catch((error: unknown) => this.fail(error))
      .finally(() => {
        this.#task = null;
      });
  }

  /** Chains what a poll brought. */
  async accept(fetched: Fetched): Promise<void> {
    // With a seek outstanding the reader is not yet where this log's chain ends.
    if (this.#phase !== 'sealing' || this.#seek !== null) return;
    const { log } = this;
    const at = log.next ?? 0n;
    if (fetched.logStart !== null && fetched.logStart > at) {
      throw logStartMoved(log.context, fetched.logStart, at);
    }
    if (fetched.highWatermark !== null) log.follow(fetched.highWatermark);
    refuseStrays(log.context, fetched.strays);
    for (const batch of fetched.batches) {
      await log.append(batch, fetched.next.offset);
      // The task beside may have lost to another sealer meanwhile: all this is then read again.
      if (this.#phase !== 'sealing') return;
    }
    log.skipTo(fetched.next.offset);
    if (fetched.error === null) this.#progress();
    else if (fetched.error.class === 'retry') this.#waiting = fetched.error.message;
    else throw fetched.error;
  }

  /** An error of this log: a refusal, or a reason to inspect it again after a while. */
  fail(error: unknown): void {
    // What a task meets after its log was refused changes nothing.
    if (this.#phase === 'refused') return;
    const { log } = this;
    const { logger } = log.context.settings;
    const refusal = this.#isFirstCorruptRead(error) ? null : refusalOf(error, log.place);
    if (refusal !== null) {
      this.refuse(refusal);
      return;
    }
    this.#attempt += 1;
    this.#schedule = null;
    this.#seek = null;
    this.#notBefore = this.#now() + backoffDelay(this.#attempt);
    this.#waiting = asSealstreamError(error, 'internal', log.place).message;
    log.doubt(error);
    log.forget();
    this.#phase = 'recovering';
    logger.warn({ log: log.context.origin, attempt: this.#attempt }, this.#waiting);
  }

  refuse(refused: SealRefused): void {
    const { settings, origin } = this.log.context;
    this.log.forget();
    this.#schedule = null;
    this.#seek = null;
    this.#waiting = null;
    this.#refusedAt = this.#now();
    const { reason, message } = refused;
    const before = this.#refusal;
    const isSame = before?.reason === reason && before.message === message;
    this.#refusal = { reason, message, since: isSame ? before.since : settings.clock.now() };
    this.#phase = 'refused';
    if (!isSame) settings.logger.error({ log: origin, reason }, message);
  }

  /**
   * What an operator decides (adopt, another copy of the memory) shows in the memory: then the log is
   * looked at again, and after growing pauses where the cause may be gone. Nothing is signed before all
   * of it is inspected.
   */
  async lookAgain(): Promise<void> {
    if (this.#phase !== 'refused') return;
    const now = await this.#memoryNow();
    this.#memoryThen ??= now;
    if (this.#memoryThen === now && !this.#isDueAgain) return;
    this.#looks = this.#memoryThen === now ? this.#looks + 1 : 0;
    this.#phase = 'recovering';
    this.#attempt = 0;
    this.#notBefore = 0;
  }

  /** The last checkpoint, once the loop has ended; false: it was not to be had. */
  async finish(signal: AbortSignal): Promise<boolean> {
    await this.#task;
    if (this.#phase !== 'sealing' || !this.#isCheckpointable) return this.#phase !== 'recovering';
    if (!this.log.hasGrown) return true;
    try {
      return await this.log.inClockTurn(async () => {
        await this.log.askConfiguration(signal);
        await this.log.askTime(signal);
        return this.log.checkpoint(signal);
      });
    } catch (error) {
      this.fail(error);
      return false;
    }
  }

  get #isDueAgain(): boolean {
    if (this.#refusal === null || !mayPass(this.#refusal.reason)) return false;
    const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#looks);
    return this.#now() - this.#refusedAt >= pause;
  }

  get #isCheckpointable(): boolean {
    // Behind its own chain a log may have lost records that were not sealed: never sign those.
    const { end, next } = this.log;
    const { highWatermark } = end;
    return highWatermark !== null && next !== null && highWatermark >= next;
  }

  async #memoryNow(): Promise<string> {
    const { memory } = this.log.context;
    try {
      const slot = await memory.read(memoryKeyOf(this.log.context));
      return slot === null ? 'nothing' : encodeHex(slot.version);
    } catch (error) {
      // Recovering says what is wrong with it; here it counts only that it is still the same.
      if (error instanceof SealstreamError && error.class === 'data') return error.message;
      throw error;
    }
  }

  async #recover(signal: AbortSignal): Promise<void> {
    this.#memoryThen = null;
    this.#memoryThen = await this.#memoryNow();
    await this.log.recover(signal);
    this.#memoryThen = null;
    const offset = this.log.next;
    if (offset === null) return;
    this.#seek = { partition: this.log.context.partition, offset };
    this.#schedule = new Schedule(this.log);
    this.#refusal = null;
    this.#waiting = null;
    this.#phase = 'sealing';
  }

  async #checkpoint(signal: AbortSignal): Promise<void> {
    // After each wait: the loop may have met an error of this log meanwhile, or seen it go back.
    if (this.#phase !== 'sealing') return;
    await this.log.askConfiguration(signal);
    if (this.#phase !== 'sealing') return;
    await this.log.askTime(signal);
    if (this.#phase !== 'sealing') return;
    await this.log.checkUnchanged();
    if (this.#phase !== 'sealing' || !this.#isCheckpointable) return;
    const isDone = await this.log.checkpoint(signal);
    if (isDone) this.#looks = 0;
    if (this.#phase !== 'sealing') return;
    this.#schedule?.restart();
    if (isDone) return;
    this.log.context.settings.logger.info(
      { log: this.log.context.origin },
      'another sealer was first: going on from its checkpoint',
    );
    this.log.forget();
    this.#phase = 'recovering';
    this.#seek = null;
    this.#notBefore = 0;
  }

  #progress(): void {
    this.#attempt = 0;
    this.#waiting = null;
  }

  /** The first time at this offset: a batch may arrive damaged once; a stored one stays so. */
  #isFirstCorruptRead(error: unknown): boolean {
    const isCorrupt = error instanceof SealstreamError && error.code === 'batch-corrupt';
    const at = this.log.next;
    if (!isCorrupt || at === null || at === this.#corruptAt) return false;
    this.#corruptAt = at;
    return true;
  }

  #now(): number {
    return this.log.context.settings.clock.monotonic();
  }
}
