import pino from 'pino';
import { printable } from '../ledger/text.js';
import type { Logger } from '../stream/stream.js';

export type LogLevel = 'info' | 'warn' | 'fatal';

/** Logs as JSON lines on stderr. SEALSTREAM_LOG sets the level. */
export function logger(level: LogLevel): Logger {
  return pino(
    {
      level: process.env['SEALSTREAM_LOG'] ?? level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      hooks: { streamWrite: printable },
    },
    pino.destination({ fd: 2, sync: true }),
  );
}
