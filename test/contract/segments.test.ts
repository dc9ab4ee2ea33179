import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStream } from '../../stream/open.js';
import { streamContract } from './stream.contract.js';

streamContract('file:', async () => {
  const root = await mkdtemp(join(tmpdir(), 'sealstream-contract-'));
  return {
    open: () => openStream(`file:${root}`),
    replication: 1,
    async deleteTopic(topic) {
      for (const name of await readdir(root)) {
        if (name.startsWith(`${topic}-`)) await rm(join(root, name), { recursive: true });
      }
    },
    close: () => rm(root, { recursive: true }),
  };
});
