import { isCode, listSegments, type Segment } from './folder.js';
import { type Scan, scanSegment } from './scan.js';
import { type SegmentFile, withSegment } from './segment-file.js';

/**
 * The end of one partition's log, found by checking every batch of its last segment and kept, so
 * that each look only checks what has been appended since.
 */
export class LogEnd {
  private readonly folder: string;
  private readonly flush: boolean;
  private known: Known | null = null;
  private turn: Promise<unknown> = Promise.resolve();

  /**
   * `flush`: what is reported as the end is on the disk before it is reported, whoever wrote it. A
   * sealer would else seal what a power cut takes away, and the log would look truncated.
   */
  constructor(folder: string, options: { readonly flush: boolean }) {
    this.folder = folder;
    this.flush = options.flush;
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
    const { scan, size } = await withSegment(last.file, (file) => this.scanLast(file, last));
    return { segments, end: scan.end, torn: scan.position < size };
  }

  private async scanLast(file: SegmentFile, last: Segment): Promise<Known> {
    const { size, inode, changed } = await file.identify();
    const { known } = this;
    const recent = Date.now() - Number(changed / 1_000_000n) <= TICK_MS;
    const same = known?.file === last.file && known.inode === inode && known.size <= size;
    // Written over without growing: anything may be another. Or it is just about to grow.
    const touched = same && known.size === size && known.changed !== changed;
    if (same && known.size === size && !touched && known.settled) return known;
    const kept = same && (!touched || recent);
    const start = kept ? known.scan : startOf(last.baseOffset);
    const scan = await scanSegment(file, start, size);
    if (this.flush && scan.position > start.position) await flushToDisk(file);
    // A torn end may be replaced by as many bytes within one tick of the file's clock.
    const settled = scan.position === size || !recent;
    const seen = kept && touched ? known.changed : changed;
    this.known = { file: last.file, inode, size, changed: seen, settled, scan };
    return this.known;
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
