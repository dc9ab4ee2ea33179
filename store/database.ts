import { closeSync, fsyncSync, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { open, type RootDatabase } from 'lmdb';
import { asSealstreamError, SealstreamError } from '../ledger/error.js';
import { checkDatabaseFile } from './database-file.js';

export type Database = RootDatabase<Buffer, Buffer>;

export const DATA_FILE = 'data.mdb';
const LOCK_FILE = 'lock.mdb';

/**
 * The database that stands at a path now. LMDB goes on with the file that it opened, also once that
 * file is deleted or moved away and another stands in its place; who signs by such a file signs by
 * a memory that nobody will find again. So the file at the path is asked for its device and inode
 * before every use: another one is opened instead, and none is made where there is none.
 */
export class DatabaseAtPath {
  readonly #folder: string;
  readonly #path: string;
  readonly #readOnly: boolean;
  readonly #closing = new Set<Promise<void>>();
  #opened: Opened;
  #closeError: unknown = null;

  /** Makes the database where the folder holds none. Throws `unreadable`. */
  constructor(folder: string, path: string, readOnly: boolean) {
    this.#folder = folder;
    this.#path = path;
    this.#readOnly = readOnly;
    try {
      this.#opened = openDatabase(folder, readOnly);
    } catch (error) {
      throw asSealstreamError(error, 'unreadable', `memory: cannot open ${path}`);
    }
  }

  /** Throws `busy` where there is none at the path, or none that can be used. */
  current(): Database {
    const found = this.#look();
    if (found !== this.#opened.file) this.#reopen();
    return this.#opened.database;
  }

  /** Throws `busy` where `database` is not the one at the path any more. */
  confirm(database: Database): void {
    if (database === this.#opened.database && this.#look() === this.#opened.file) return;
    throw this.#busy('was replaced while it was written to');
  }

  async close(): Promise<void> {
    await this.#opened.database.close();
    await Promise.all(this.#closing);
    if (this.#closeError !== null) throw this.#closeError;
  }

  #look(): string {
    let found: string | null;
    try {
      found = identityOf(join(this.#folder, DATA_FILE));
    } catch (error) {
      throw this.#busy('cannot be looked at', error);
    }
    if (found === null) throw this.#busy('is gone: put it, or the newest copy of it, back');
    return found;
  }

  #reopen(): void {
    const held = this.#opened;
    let opened: Opened;
    try {
      // LMDB keeps in the lock file where the data file stands: never one lock file for two of them.
      if (held.lock !== null && held.lock === identityOf(join(this.#folder, LOCK_FILE))) {
        throw new Error(
          `only ${DATA_FILE} was replaced, under the ${LOCK_FILE} in use: stop all that use it, or ` +
            'put a whole folder in its place',
        );
      }
      checkDatabaseFile(join(this.#folder, DATA_FILE));
      opened = openDatabase(this.#folder, this.#readOnly);
      if (!this.#readOnly) flush(this.#folder);
    } catch (error) {
      throw this.#busy('was replaced by one that cannot be used', error);
    }
    this.#opened = opened;
    this.#retire(held.database);
  }

  #retire(database: Database): void {
    const closing = database
      .close()
      .catch((error: unknown) => {
        this.#closeError ??= error;
      })
      .finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }

  #busy(what: string, cause?: unknown): SealstreamError {
    const why = cause instanceof Error ? `: ${cause.message}` : '';
    return new SealstreamError('busy', `memory: ${this.#path} ${what}${why}`, { cause });
  }
}

interface Opened {
  readonly database: Database;
  /** Device and inode of the data file; null: gone again already. */
  readonly file: string | null;
  /** Those of the lock file; null: read-only on a read-only file system. */
  readonly lock: string | null;
}

function openDatabase(folder: string, readOnly: boolean): Opened {
  const before = identityOf(join(folder, DATA_FILE));
  const lockBefore = identityOf(join(folder, LOCK_FILE));
  const database = open<Buffer, Buffer>({
    path: folder,
    // A folder also where its name has a dot in it.
    noSubdir: false,
    readOnly,
    keyEncoding: 'binary',
    encoding: 'binary',
    cache: false,
    // A commit returns after the disk has it, not before.
    overlappingSync: false,
  });
  // Where it is replaced just now, what stood there before is not what is found at the next use.
  return {
    database,
    file: before ?? identityOf(join(folder, DATA_FILE)),
    lock: lockBefore ?? identityOf(join(folder, LOCK_FILE)),
  };
}

/** Device and inode; null: there is no such file. */
function identityOf(file: string): string | null {
  const stats = statSync(file, { bigint: true, throwIfNoEntry: false });
  return stats === undefined ? null : `${stats.dev}:${stats.ino}`;
}

/** Makes names in a folder survive a power cut. */
function flush(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
