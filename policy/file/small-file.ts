import { constants, type Stats } from 'node:fs';
import { open } from 'node:fs/promises';
import { SealstreamError } from '../../ledger/error.js';

/** Far more than a configuration, a key or a secret needs. */
export const LONGEST_FILE = 256 * 1024;

/**
 * The bytes of a regular file of at most LONGEST_FILE bytes: a configuration may name a device that
 * never ends, or a pipe that nobody writes to. Throws `configuration` for those, else what
 * the system says. `judge` may refuse what was opened, before it is read.
 */
export async function readSmallFile(
  file: string,
  judge: (stats: Stats) => void = () => {},
): Promise<Uint8Array> {
  // Without O_NONBLOCK opening a FIFO waits until somebody writes to it.
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) {
      throw new SealstreamError('configuration', `${file}: it is no regular file`);
    }
    judge(stats);
    const bytes = new Uint8Array(LONGEST_FILE + 1);
    let length = 0;
    while (length < bytes.length) {
      const { bytesRead } = await handle.read(bytes, length, bytes.length - length, null);
      if (bytesRead === 0) return bytes.subarray(0, length);
      length += bytesRead;
    }
    throw new SealstreamError(
      'configuration',
      `${file}: the file is larger than ${LONGEST_FILE} bytes`,
    );
  } finally {
    await handle.close();
  }
}
