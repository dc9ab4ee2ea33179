/** Whether a signing key may be used, by who else can use its file: ssh judges its keys so. */
import type { Stats } from 'node:fs';
import { SealstreamError } from '../ledger/error.js';
import { isOfAnother, isOpenToOthers, octal } from '../policy/file/private-file.js';
import { tell } from './output.js';

/** Throws `key-unusable` on a key that is not to be used. */
export type KeyJudge = (path: string, stats: Stats) => void;

export const INSIST = '--insecure-key-mode';

const PERMISSIONS = 0o7777;

/** null: nobody else. Systems without users and modes have none to ask. */
function exposure(path: string, { mode, uid }: Stats): string | null {
  const us = process.geteuid?.();
  if (us === undefined) return null;
  const access = { mode: mode & PERMISSIONS, user: uid };
  if (isOpenToOthers(access)) {
    return `${path}: mode ${octal(access.mode)} opens the signing key to others; chmod 600 ${path}`;
  }
  if (!isOfAnother(access, us)) return null;
  return `${path}: the signing key belongs to user id ${uid}, who can use it; chown ${us} ${path}`;
}

function refuse(exposed: string | null, otherwise: string): void {
  if (exposed !== null) throw new SealstreamError('key-unusable', `${exposed}, or ${otherwise}`);
}

/** For commands that sign, or record what is signed. */
export function judgeToSign(insists: boolean | undefined): KeyJudge {
  return (path, stats) => {
    const exposed = exposure(path, stats);
    if (insists !== true) refuse(exposed, `insist by ${INSIST}`);
    else if (exposed !== null) tell(`seal.key: ${exposed}; used, as ${INSIST} says`);
  };
}

/** For commands that want its public half. */
export const judgeToRead: KeyJudge = (path, stats) => {
  refuse(exposure(path, stats), 'name verify.publicKey, and this command leaves the key alone');
};

/** `doctor` has findings of its own for it. */
export const anyKey: KeyJudge = () => {};
