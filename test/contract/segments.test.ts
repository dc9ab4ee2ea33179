import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStream } from '../../stream/open.js';
import { streamContract } from './stream.contract.js';

streamContract('file:', async () => {
  const root = await mkdtemp(join(tmpdir(), 'sealstream-contract-'));
  // An empty folder would be one that is not mounted.
  await mkdir(join(root, '.sealstream'));
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
