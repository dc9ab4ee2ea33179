import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSegments } from '../../stream/segments/segments.js';
import type { Stream } from '../../stream/stream.js';
import { type TamperPlace, tamperingContract } from './tampering.contract.js';

class Folder implements TamperPlace {
  readonly replication = 1;
  readonly #root: string;
  stream: Stream;

  constructor(root: string, stream: Stream) {
    this.#root = root;
    this.stream = stream;
  }

  static async open(): Promise<Folder> {
    const root = mkdtempSync(join(tmpdir(), 'sealstream-tampering-'));
    return new Folder(root, await openSegments(`file:${root}`));
  }

  async offline(change: (root: string) => void): Promise<void> {
    await this.stream.close();
    change(this.#root);
    this.stream = await openSegments(`file:${this.#root}`);
  }

  async deleteTopic(topic: string): Promise<void> {
    const description = await this.stream.describe(topic);
    for (let partition = 0; partition < (description?.partitions ?? 0); partition++) {
      rmSync(join(this.#root, `${topic}-${partition}`), { recursive: true });
    }
  }

  async close(): Promise<void> {
    await this.stream.close();
    rmSync(this.#root, { recursive: true });
  }
}

tamperingContract('file:', () => Folder.open());
