import type { SealstreamError } from '../../../ledger/error.js';
import type { DecodedBatches } from '../../batch/decode.js';
import type { Bounds, Fetched, Position } from '../../stream.js';
import { backOffMs } from '../connection/back-off.js';

const NO_EPOCH = -1;

/** Where a reader stands in one partition. A seek makes a new one, so that answers to what was asked
 * before are told apart by identity. */
export class PartitionState {
  readonly partition: number;
  offset: bigint;
  /** No batch may begin below it: where the last one that was read ends. */
  reached = 0n;
  /** As in Position. */
  readonly until: bigint | null;
  readonly look: NonNullable<Position['look']> | null;
  /** −1: unknown. */
  lastEpoch: number;
  /** −1: none known. */
  leader = -1;
  leaderEpoch = NO_EPOCH;
  /** A request for it is under way, or its bounds are being asked. */
  asked = false;
  /** The stream has answered for it since the seek. */
  answered = false;
  /** Size of a batch that was cut off; 0: none was. */
  neededBytes = 0;
  /** How often in a row. */
  cutOffs = 0;
  /** What was read here cannot be so; it is read once more before that is said. */
  isDoubted = false;
  /** How often in a row the broker refused the offset. */
  refusals = 0;
  /** Since the last good answer. */
  failures = 0;
  retryAt = 0;
  #reported: Fetched | null = null;

  constructor(position: Position) {
    this.partition = position.partition;
    this.offset = position.offset;
    this.lastEpoch = position.lastEpoch ?? NO_EPOCH;
    this.until = position.until ?? null;
    this.look = position.look ?? null;
  }

  /** All that was wanted has come. */
  get isDone(): boolean {
    return this.until !== null && this.offset >= this.until;
  }

  get position(): Position {
    const { partition, offset, lastEpoch } = this;
    return lastEpoch === NO_EPOCH ? { partition, offset } : { partition, offset, lastEpoch };
  }

  /** Puts the next try off. */
  failed(): void {
    this.failures++;
    this.retryAt = performance.now() + backOffMs(this.failures);
  }

  /** Goes on after what was read. */
  advance({
    next,
    isWhole,
    lastEpoch,
  }: Pick<DecodedBatches, 'next' | 'isWhole' | 'lastEpoch'>): void {
    this.offset = next;
    if (isWhole) this.reached = next;
    if (lastEpoch !== null) this.lastEpoch = lastEpoch;
    this.answered = true;
    this.failures = 0;
    this.refusals = 0;
    this.isDoubted = false;
    this.neededBytes = 0;
    this.cutOffs = 0;
    this.retryAt = 0;
  }

  report(
    { batches, strays }: Pick<Fetched, 'batches' | 'strays'>,
    bounds: Pick<Bounds, 'logStart' | 'highWatermark'> | null,
    error: SealstreamError | null,
  ): Fetched {
    return {
      partition: this.partition,
      batches,
      strays,
      next: this.position,
      logStart: bounds !== null && bounds.logStart >= 0n ? bounds.logStart : null,
      highWatermark: bounds !== null && bounds.highWatermark >= 0n ? bounds.highWatermark : null,
      error,
    };
  }

  /** Whether a report tells anything that the last one did not; remembers it. */
  isNews(report: Fetched): boolean {
    const last = this.#reported;
    this.#reported = report;
    return (
      last === null ||
      report.error !== null ||
      report.batches.length > 0 ||
      report.strays.length > 0 ||
      report.next.offset !== last.next.offset ||
      report.highWatermark !== last.highWatermark ||
      report.logStart !== last.logStart
    );
  }
}
