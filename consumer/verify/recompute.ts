/** One partition's records against all its checkpoints, going on behind every change it finds. */
import { SealstreamError } from '../../ledger/error.js';
import { LogState } from '../../ledger/log.js';
import type { Bounds } from '../../stream/stream.js';
import { findingOf } from '../failure.js';
import { locate, locateBefore } from '../locate.js';
import { movedStart, type SealedLog, truncatedFinding } from '../sealed-log.js';
import type { Point } from '../signed-checkpoints.js';
import type { Source } from '../source.js';
import { Tail } from '../tail.js';
import { type Finding, type FindingCode, finding } from '../verdict.js';
import { type Step, walk } from '../walk.js';
import type { Ahead } from './parallel-walk.js';

/**
 * Every change costs several readings of its surroundings: so many findings are made, and so often
 * is the walk resumed. Where each record was altered, work and report would else grow without bound.
 */
const MOST_FINDINGS = 10;
const MOST_RESUMED = 100;

export interface RecomputeOptions {
  readonly source: Source;
  readonly bounds: Bounds;
  /** Records of the tail with an earlier timestamp should have been sealed. */
  readonly sealedBefore: bigint;
  readonly onProgress: (position: bigint, until: bigint) => void;
  /** The log agrees with its points up to this one. */
  readonly onAgreed: (point: Point) => Promise<void>;
}

export class Recomputation {
  readonly findings: Finding[] = [];
  records = 0n;
  checkpoints = 0;
  tail: Tail;

  readonly #log: SealedLog;
  readonly #options: RecomputeOptions;
  #until: bigint;
  #state: LogState;
  /** The state at the last checkpoint that agreed, or that hashing was resumed at. */
  #good: LogState;
  #index = 0;
  #resumed = 0;
  #startedOver = false;

  constructor(log: SealedLog, options: RecomputeOptions) {
    this.#log = log;
    this.#options = options;
    this.#until = options.bounds.highWatermark;
    this.#state = LogState.start(log.origin, log.first);
    this.#good = this.#state.clone();
    this.tail = new Tail(options.sealedBefore);
  }

  /** Places sought. */
  get probed(): number {
    return this.#options.source.probed;
  }

  /** Where the log's beginning stands: what was recomputed up to here is counted from it. */
  get start(): Ahead {
    return { state: this.#good.clone(), index: this.#index };
  }

  /** The log is known to agree up to `to`; `isCounted`: it was recomputed just now. */
  beginAt(to: Ahead, isCounted: boolean): void {
    if (isCounted) {
      this.records += to.state.size - this.#good.size;
      this.checkpoints += to.index - this.#index;
    }
    this.#state = to.state.clone();
    this.#good = to.state.clone();
    this.#index = to.index;
  }

  async run(): Promise<void> {
    await this.#checkStart();
    let going = true;
    while (going) {
      try {
        going = await this.#walkOn();
      } catch (error) {
        going = await this.#skipFailure(error);
      }
    }
    await this.#probe();
    await this.#checkEnd();
    // A checkpoint that was never compared is not verified, whatever the reason.
    if (this.findings.length === 0 && this.#index < this.#log.points.length) {
      throw new SealstreamError(
        'internal',
        `${this.#options.source.place}: not every checkpoint was compared; report this`,
      );
    }
  }

  /** true: there is more to walk behind a checkpoint that differed. */
  async #walkOn(): Promise<boolean> {
    const { source, onProgress } = this.#options;
    const { points, conflicting } = this.#log;
    const until = this.#until;
    const passing = { passed: conflicting };
    for await (const step of walk(source, this.#state, points, this.#index, until, passing)) {
      if (step.kind === 'differs') {
        // The contradiction is reported already; the log may well agree with the other one.
        if (!conflicting.has(step.index)) return this.#differs(step);
        this.#index = step.index + 1;
      }
      if (step.kind === 'agrees') {
        this.#agrees(step.index);
        const isFree = this.findings.length === 0 && source.strays.isEmpty;
        if (isFree) await this.#options.onAgreed(step.point);
      }
      if (step.kind === 'tail') this.tail.add(step);
      onProgress(source.position, until);
    }
    return false;
  }

  #agrees(index: number): void {
    this.records += this.#state.size - this.#good.size;
    this.checkpoints++;
    this.#good = this.#state.clone();
    this.#index = index + 1;
  }

  async #differs({ index, point }: Extract<Step, { kind: 'differs' }>): Promise<boolean> {
    if (this.#isTooMany()) return this.#giveUp('record-altered', this.#good.next);
    if (await this.#agreesLater(index + 1)) {
      this.findings.push(
        finding(
          'checkpoint-conflict',
          `${this.#options.source.place}: the checkpoint at offset ${point.next} is signed, but the ` +
            'log agrees with the checkpoints before and after it and not with this one',
        ),
      );
      this.#index = index + 1;
      return true;
    }
    const evidence = await this.#log.evidence(point);
    const found = await locate(this.#options.source, this.#good.clone(), point, evidence);
    this.findings.push(found ?? this.#changeable(point));
    await this.#resume(index);
    return true;
  }

  #isTooMany(): boolean {
    return this.findings.length >= MOST_FINDINGS || this.#resumed >= MOST_RESUMED;
  }

  /** One finding for all that is left up to the head; the tail is still counted. */
  #giveUp(code: FindingCode, from: bigint): boolean {
    const { end } = this.#log;
    const message =
      `${this.#options.source.place}: from offset ${from} on the log is altered or broken as well; ` +
      'with so many findings before it, this was not localised further';
    this.findings.push(finding(code, message, from, end > from ? end : this.#until));
    this.#leaveLog();
    return true;
  }

  #changeable(point: Point): Finding {
    const from = this.#good.next;
    return finding(
      'unreadable',
      `${this.#options.source.place}: two readings of offsets ${from} to ${point.next - 1n} gave ` +
        'different records; check the machine and the network between',
      from,
      point.next,
    );
  }

  /** Whether the log, hashed on as it is, agrees with the checkpoint after the one that differs. */
  async #agreesLater(index: number): Promise<boolean> {
    const { points } = this.#log;
    if (index >= points.length || points.nextOf(index) > this.#until) return false;
    const ahead = this.#state.clone();
    const until = points.nextOf(index);
    try {
      for await (const step of walk(this.#options.source, ahead, points, index, until)) {
        if (step.kind === 'agrees') return true;
        if (step.kind === 'differs') return false;
      }
    } catch (error) {
      // Whatever is wrong further on is found when the walk gets there.
      findingOf(error);
    }
    return false;
  }

  /** Goes on from the first checkpoint at or after `index` that can be resumed; true: found one. */
  async #resume(index: number): Promise<boolean> {
    const { points } = this.#log;
    this.#resumed++;
    for (let at = index; at < points.length; at++) {
      const evidence = await this.#log.evidence(points.get(at));
      if (evidence === null) continue;
      const { checkpoint, last, frontier } = evidence;
      this.#state = LogState.resume(checkpoint, last, frontier);
      this.#good = this.#state.clone();
      this.#index = at + 1;
      return true;
    }
    this.#leaveLog();
    return false;
  }

  /** Nothing to compare with any more: only what is beyond the last checkpoint is still counted. */
  #leaveLog(): void {
    const { points, origin, first } = this.#log;
    this.#index = points.length;
    this.#state = LogState.start(origin, first);
    this.#state.skipTo(this.#log.end);
  }

  async #checkStart(): Promise<void> {
    const { source, bounds } = this.#options;
    const { logStart } = bounds;
    if (logStart <= this.#log.first) return;
    const moved = movedStart(source, this.#log, logStart);
    if (moved !== null) {
      this.findings.push(moved.finding);
      await this.#resume(moved.index);
    }
    if (this.#state.next < logStart) this.#state.skipTo(logStart);
  }

  async #checkEnd(): Promise<void> {
    const { points, end } = this.#log;
    const { source } = this.#options;
    const truncated = truncatedFinding(source, end, this.#until);
    if (truncated.length === 0) return;
    this.findings.push(...truncated);
    if (this.#index >= points.length || this.#good.next >= this.#until) return;
    try {
      const point = points.get(this.#index);
      const evidence = await this.#log.evidence(point);
      const rest = await locateBefore(source, this.#good, point, evidence, this.#until);
      if (rest !== null) this.findings.push(rest);
    } catch (error) {
      this.findings.push(findingOf(error));
    }
  }

  /** After a failure: true where there is a checkpoint behind it to go on from. */
  async #skipFailure(error: unknown): Promise<boolean> {
    const code = error instanceof SealstreamError ? error.code : null;
    if (code === 'batch-corrupt' || code === 'unreadable') return this.#skipUnreadable(error);
    if (isAboutBounds(error)) return this.#lookAgain(error, this.#options.source.position);
    this.findings.push(findingOf(error));
    return false;
  }

  async #skipUnreadable(error: unknown): Promise<boolean> {
    const { points } = this.#log;
    const { position } = this.#options.source;
    let at = this.#index;
    while (at < points.length && points.nextOf(at) <= position) at++;
    const sealed = at < points.length;
    if (sealed && this.#isTooMany()) return this.#giveUp(findingOf(error).code, position);
    if (sealed) await this.#resume(at);
    const to = sealed && this.#state.next < this.#until ? this.#state.next : this.#until;
    // At the very end no offset is left to name but those since the last agreement.
    const found = findingOf(error, position < to ? position : this.#good.next, to);
    const previous = this.findings.at(-1);
    // The same batch again, seen from behind the next checkpoint.
    if (previous?.code === found.code && previous.to === position) {
      this.findings[this.findings.length - 1] = { ...previous, to };
    } else {
      this.findings.push(found);
    }
    return sealed && this.#state.next < this.#until;
  }

  /** Whether those who seek are given what those are given who read in order. */
  async #probe(): Promise<void> {
    const { source } = this.#options;
    try {
      await source.probe(true);
      await source.checkIndexes();
    } catch (error) {
      if (!isAboutBounds(error)) this.findings.push(findingOf(error));
      // Else what the walk has found of the bounds explains it.
      else if (this.findings.length === 0) {
        await this.#lookAgain(error, this.#options.bounds.logStart);
      }
    }
    this.findings.push(...source.strays.findings(source.place));
  }

  /** The log does not reach as far as its bounds said when verification began, or is not as it was
   * read: true where it is read once more from its start. */
  async #lookAgain(error: unknown, position: bigint): Promise<boolean> {
    const { source } = this.#options;
    try {
      const { logStart, highWatermark } = await source.bounds(this.#log.end);
      if (logStart > position) {
        const message = `${source.place}: records up to ${logStart} were deleted while being verified`;
        this.findings.push(finding('log-start-moved', message, position, logStart));
      } else if (highWatermark < this.#log.end) {
        this.#until = highWatermark;
      } else if (isDivergence(error) && !this.#startedOver) {
        this.#until = highWatermark;
        await this.#startOver();
        return true;
      } else {
        this.findings.push(findingOf(error));
      }
    } catch (unasked) {
      this.findings.push(findingOf(unasked));
    }
    return false;
  }

  /** What agreed before may be gone by now. */
  async #startOver(): Promise<void> {
    this.#startedOver = true;
    this.#options.source.startOver();
    this.findings.length = 0;
    this.records = 0n;
    this.checkpoints = 0;
    this.tail = new Tail(this.#options.sealedBefore);
    this.#state = LogState.start(this.#log.origin, this.#log.first);
    this.#good = this.#state.clone();
    this.#index = 0;
    this.#resumed = 0;
    await this.#checkStart();
  }
}

const ABOUT_BOUNDS: ReadonlySet<string> = new Set([
  'timeout',
  'offset-out-of-range',
  'log-diverged',
]);

function isAboutBounds(error: unknown): boolean {
  return error instanceof SealstreamError && ABOUT_BOUNDS.has(error.code);
}

function isDivergence(error: unknown): boolean {
  return error instanceof SealstreamError && error.code === 'log-diverged';
}
