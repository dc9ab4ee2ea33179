import { markIn } from './end-mark.js';
import { isCode, listSegments, type Segment } from './folder.js';
import { followBatches, type Scan, scanSegment, strayAt } from './scan.js';
import { type SegmentFile, withSegment } from './segment-file.js';

/**
 * The end of one partition's log, kept, so that each look only checks what has been appended since.
 *
 * It is the end of the last whole batch, wherever the check begins: damage that whole batches follow
 * is below the end, and met by whoever reads up to it. So the first look begins at the appenders'
 * mark, if from there whole batches follow to the end of the file. Where not, and once reading has
 * met anything odd, every batch of the last segment is checked as if there were no mark.
 */
export class LogEnd {
  private readonly folder: string;
  private readonly flush: boolean;
  private readonly marks: string | null;
  private distrusted = false;
  private known: Known | null = null;
  private turn: Promise<unknown> = Promise.resolve();

  /**
   * `flush`: what is reported as the end is on the disk before it is reported, whoever wrote it. A
   * sealer would else seal what a power cut takes away, and the log would look truncated. `marks`:
   * the topic id that a mark must name; null: none is looked for.
   */
  constructor(folder: string, options: { readonly flush: boolean; readonly marks: string | null }) {
    this.folder = folder;
    this.flush = options.flush;
    this.marks = options.marks;
  }

  /** From now on without the mark. Whether the end was found with it until now. */
  distrust(): boolean {
    const isNews = this.known?.marked === true && !this.distrusted;
    this.distrusted = true;
    return isNews;
  }

  /**
   * Whether a reader came to the end, found with the mark, at another byte than it has: batches that
   * it has read, or passed over, are not those that the end was counted by.
   */
  isContradictedBy(at: { segment: string; offset: bigint; position: number }): boolean {
    const { known } = this;
    if (known === null || !known.marked || this.distrusted || at.segment !== known.file)
      return false;
    const { end, position } = known.scan;
    if (at.offset < end || at.position === position) return false;
    return this.distrust();
  }

  /** Looks again. One look at a time; a segment that was just deleted is looked past. */
  async find(): Promise<Found> {
    const result = this.turn.then(() => this.look());
    this.turn = result.catch(() => undefined);
    return result;
  }

  private async look(): Promise<Found> {
    const segments = listSegments(this.folder);
    const last = segments.at(-1);
    if (last === undefined) return { segments, end: 0n, torn: false };
    return withSegment(last.file, async (file) => {
      const { scan, size } = await this.scanLast(file, last);
      // A whole batch of other offsets is no write that was cut short: nothing comes behind it.
      const torn = scan.position < size && (await strayAt(file, scan.position, scan.next)) === null;
      return { segments, end: scan.end, torn };
    });
  }

  private async scanLast(file: SegmentFile, last: Segment): Promise<Known> {
    const { size, inode, changed } = await file.identify();
    const { known } = this;
    const recent = Date.now() - Number(changed / 1_000_000n) <= TICK_MS;
    const trusted = known !== null && !(known.marked && this.distrusted);
    const same = trusted && known.file === last.file && known.inode === inode && known.size <= size;
    // Written over without growing: anything may be another. Or it is just about to grow.
    const touched = same && known.size === size && known.changed !== changed;
    if (same && known.size === size && !touched && known.settled) return known;
    const kept = same && (!touched || recent);
    const found = kept ? null : await this.scanFromMark(file, last, size);
    const start = kept ? known.scan : startOf(last.baseOffset);
    const scan = found ?? (await scanSegment(file, start, size));
    if (this.flush && scan.position > start.position) await flushToDisk(file);
    // A torn end may be replaced by as many bytes within one tick of the file's clock.
    const settled = scan.position === size || !recent;
    const seen = kept && touched ? known.changed : changed;
    const marked = kept ? known.marked : found !== null;
    this.known = { file: last.file, inode, size, changed: seen, settled, scan, marked };
    return this.known;
  }

  /** null: the mark is of no use. */
  private async scanFromMark(file: SegmentFile, last: Segment, size: number): Promise<Scan | null> {
    if (this.marks === null || this.distrusted) return null;
    const mark = markIn(this.folder, this.marks, last);
    // At least the batch that it names is checked: an end that only the mark knows is none.
    if (mark === null || mark.position >= size) return null;
    const start = { position: mark.position, next: mark.offset, timestamp: -1n };
    const point = await followBatches(file, start, size);
    return point.position === size ? { ...point, damage: null, end: point.next } : null;
  }
}

const TICK_MS = 1000;

export interface Found {
  readonly segments: readonly Segment[];
  /** First offset after the last whole batch. */
  readonly end: bigint;
  /** Bytes follow that are no whole batch. */
  readonly torn: boolean;
}

interface Known {
  readonly file: string;
  readonly inode: bigint;
  readonly size: number;
  readonly changed: bigint;
  readonly settled: boolean;
  readonly scan: Scan;
  /** What is before the mark was not looked at. */
  readonly marked: boolean;
}

export function startOf(baseOffset: bigint): Scan {
  return { position: 0, next: baseOffset, timestamp: -1n, damage: null, end: baseOffset };
}

async function flushToDisk(file: SegmentFile): Promise<void> {
  try {
    await file.handle.datasync();
  } catch (error) {
    // A medium that is mounted read-only has nothing to flush.
    if (!isCode(error, 'EROFS') && !isCode(error, 'EINVAL')) throw error;
  }
}
