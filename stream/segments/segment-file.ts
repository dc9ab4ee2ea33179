import { type BigIntStats, fstatSync, readSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { SealstreamError } from '../../ledger/error.js';
import { fileError, READ_FLAGS } from './folder.js';

/** An open segment file; every failure is a SealstreamError that names the file. */
export class SegmentFile {
  readonly file: string;
  readonly handle: FileHandle;

  private constructor(file: string, handle: FileHandle) {
    this.file = file;
    this.handle = handle;
  }

  static async open(file: string, flags: number = READ_FLAGS): Promise<SegmentFile> {
    let handle: FileHandle;
    try {
      handle = await open(file, flags);
    } catch (error) {
      throw fileError(error, file);
    }
    return new SegmentFile(file, handle);
  }

  /** Throws `unreadable` where the name is of no regular file. */
  async size(): Promise<number> {
    return (await this.identify()).size;
  }

  /** Size in bytes, and what tells this file and state from a later one of the same name. */
  async identify(): Promise<{ size: number; inode: bigint; changed: bigint }> {
    const stat = this.#statNow();
    if (!stat.isFile()) {
      throw new SealstreamError('unreadable', `stream: ${this.file} is no regular file`);
    }
    return { size: Number(stat.size), inode: stat.ino, changed: stat.mtimeNs };
  }

  /** The kernel has it in memory: quicker than to have another thread ask for it. */
  #statNow(): BigIntStats {
    try {
      return fstatSync(this.handle.fd, { bigint: true });
    } catch (error) {
      throw fileError(error, this.file);
    }
  }

  /**
   * At most `length` bytes from `position`, fewer only at the end of the file; in `memory` where they
   * have room there.
   */
  async read(
    position: number,
    length: number,
    memory: Uint8Array | null = null,
  ): Promise<Uint8Array> {
    const fits = memory !== null && memory.length >= length;
    // Not cleared: only what is read is handed out. Not a Buffer: slices of those are slower.
    const bytes = fits
      ? memory.subarray(0, length)
      : new Uint8Array(Buffer.allocUnsafeSlow(length).buffer);
    let filled = 0;
    while (filled < length) {
      const { bytesRead } = await this.attempt(() =>
        this.handle.read(bytes, filled, length - filled, position + filled),
      );
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    if (fits) return bytes.subarray(0, filled);
    return filled === length ? bytes : bytes.slice(0, filled);
  }

  /** A few bytes, into `memory`: quicker than to have another thread read them. */
  readNow(position: number, memory: Uint8Array): Uint8Array {
    try {
      const bytes = readSync(this.handle.fd, memory, 0, memory.length, position);
      return memory.subarray(0, bytes);
    } catch (error) {
      throw fileError(error, this.file);
    }
  }

  async close(): Promise<void> {
    await this.handle.close();
  }

  /** Runs `action` on the handle. */
  async attempt<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      throw fileError(error, this.file);
    }
  }
}

/** Opens, uses and closes a segment file. */
export async function withSegment<T>(
  file: string,
  use: (segment: SegmentFile) => Promise<T>,
  flags: number = READ_FLAGS,
): Promise<T> {
  const segment = await SegmentFile.open(file, flags);
  try {
    return await use(segment);
  } finally {
    await segment.close();
  }
}
