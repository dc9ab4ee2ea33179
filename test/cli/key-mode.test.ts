import assert from 'node:assert/strict';
import { chmod, chown } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { LedgerDesk } from '../support/ledger-desk.js';

const KEY = ['keys', 'sealer.pem'] as const;
/** May read it, may write it; of the group, of everyone. */
const OPEN_MODES = [0o640, 0o604, 0o620, 0o602, 0o660, 0o644, 0o444, 0o440, 0o777, 0o601];
const ANOTHER_USER = 4242;

describe('a signing key that others can use', () => {
  let desk: LedgerDesk;
  before(async () => {
    desk = await LedgerDesk.make({ bootstrap: null });
    const input = '{"action":"test.publish","actor":{"id":"a"}}\n';
    assert.equal((await desk.run(['publish'], { input })).code, 0);
  });
  after(() => desk.close());

  async function refused(words: readonly string[], message: RegExp, code = 64): Promise<void> {
    const found = await desk.run(words);
    assert.equal(found.code, code, `${words.join(' ')}: ${found.stdout}${found.stderr}`);
    assert.match(found.stderr, message);
    assert.ok(found.stderr.includes(desk.path(...KEY)), found.stderr);
  }

  it('is refused by seal, whatever others may do with it', async () => {
    for (const mode of OPEN_MODES) {
      await chmod(desk.path(...KEY), mode);
      const octal = mode.toString(8);
      const message = new RegExp(`mode 0${octal} .*chmod 600 .*--insecure-key-mode`);
      await refused(['seal', '--once'], message);
    }
    assert.equal(await desk.notes(), '', 'nothing was signed');
  });

  it('is refused by adopt, and by what wants only its public half', async () => {
    await chmod(desk.path(...KEY), 0o640);
    await refused(['adopt', '--yes'], /mode 0640 .*--insecure-key-mode/);
    await desk.edit((text) => text.replace(/^ {2}publicKey:.*\n/m, ''));
    await refused(['status'], /mode 0640 .*name verify\.publicKey/);
    await refused(['checkpoints'], /mode 0640 .*name verify\.publicKey/);
    await refused(['smoke'], /mode 0640 .*name verify\.publicKey/, 3);
    await desk.edit((text) => text.replace(/^verify:\n/m, '$&  publicKey: keys/sealer.pub.pem\n'));
    assert.equal((await desk.run(['status'])).code, 0);
  });

  it('is named by doctor, which finds the rest all the same', async () => {
    await chmod(desk.path(...KEY), 0o640);
    const { stdout } = await desk.run(['doctor', '--json']);
    const { findings } = JSON.parse(stdout) as { findings: { code: string }[] };
    assert.deepEqual([...new Set(findings.map(({ code }) => code))].sort(), [
      'key-file-mode',
      'not-sealed-yet',
    ]);
  });

  it('is used by who insists, and is told every time', async () => {
    await chmod(desk.path(...KEY), 0o644);
    for (const words of [
      ['adopt', '--yes'],
      ['seal', '--once'],
    ]) {
      const { code, stderr } = await desk.run([...words, '--insecure-key-mode']);
      assert.equal(code, 0, stderr);
      assert.match(stderr, /mode 0644 opens the signing key to others.*used, as --insecure/);
    }
  });

  it('is used without a word where it is its owner’s alone', async () => {
    for (const mode of [0o600, 0o400]) {
      await chmod(desk.path(...KEY), mode);
      const { code, stderr } = await desk.run(['seal', '--once']);
      assert.deepEqual([code, stderr], [0, '']);
    }
  });

  const isRoot = process.getuid?.() === 0;
  it('is refused where it belongs to another user', {
    skip: !isRoot && 'only root gives away files',
  }, async () => {
    await chown(desk.path(...KEY), ANOTHER_USER, ANOTHER_USER);
    await refused(['seal', '--once'], /belongs to user id 4242, .*chown 0 .*--insecure-key-mode/);
    const { stdout } = await desk.run(['doctor', '--json']);
    assert.match(stdout, /"key-file-owner"/);
    await chown(desk.path(...KEY), 0, 0);
    assert.equal((await desk.run(['seal', '--once'])).code, 0);
  });
});
