import type { Entry } from './entry.js';

/** What makes a ledger weak or blind although the cluster is as declared. */
export const HEALTH = {
  'partition-offline': {
    severity: 'error',
    title: 'A partition has no leader',
    why: 'Nothing can be published to it, sealed or verified until one of its replicas is back.',
  },
  'under-replicated': {
    severity: 'warning',
    title: 'A partition has replicas that are not in sync',
    why: 'Fewer copies of acknowledged events exist than declared.',
  },
  'min-insync-unreachable': {
    severity: 'error',
    title: 'A partition has fewer replicas in sync than a write needs',
    why: 'Brokers refuse every event that is published to it.',
  },
  'acl-unmanaged': {
    severity: 'warning',
    title: 'The file declares no principals',
    why: 'Nobody has said who may write, read or alter, so an added right cannot be told from a wanted one.',
  },
  'configuration-abandoned': {
    severity: 'error',
    title: 'Checkpoints name a configuration of another topic, or of none',
    why: 'Whoever takes the configuration topic out of the file takes with it what was recorded.',
  },
  'configuration-untracked': {
    severity: 'note',
    title: 'The file names no configuration topic',
    why: 'Who changed the configuration, and when, is not sealed in the ledger.',
  },
  'super-user-anonymous': {
    severity: 'error',
    title: 'Whoever connects without logging in is a super user',
    why: 'Access rules do not hold for anyone who leaves the password out.',
  },
  'super-user-undeclared': {
    severity: 'warning',
    title: 'A super user is no admin of the file',
    why: 'Access rules do not hold for it: it may alter and delete everything.',
  },
  'super-users-unseen': {
    severity: 'note',
    title: 'Who the super users are is hidden by the broker',
    why: 'Access rules do not hold for them; brokers say that there are some, but not who.',
  },
  'tls-off': {
    severity: 'warning',
    title: 'The connection to the brokers is not encrypted',
    why: 'Events can be read, and changed before they are sealed, by whoever is on the way.',
  },
  'tls-off-local': {
    severity: 'note',
    title: 'The connection to brokers on this machine is not encrypted',
    why: 'Only whoever controls this machine is on the way; on any other address it would be a warning.',
  },
  'password-in-clear': {
    severity: 'error',
    title: 'The password is sent in clear',
    why: 'SASL PLAIN without TLS shows it to whoever is on the way, who can then do all that its user may.',
  },
  'key-file-mode': {
    severity: 'error',
    title: 'A secret file is open to others',
    why: 'Whoever has the signing key signs any history, so `seal` refuses it; whoever has a password is its user.',
  },
  'key-file-owner': {
    severity: 'error',
    title: 'A secret file belongs to another user',
    why: 'Its owner can read it, and open it to others at any time.',
  },
  'key-folder-mode': {
    severity: 'error',
    title: 'The folder of a key can be written by others',
    why: 'They can put another key in its place: what is signed or believed is then theirs.',
  },
  'key-unusable': {
    severity: 'error',
    title: 'A key cannot be used',
    why: 'Without the private key nothing is sealed, without the public one nothing is verified.',
  },
  'key-mismatch': {
    severity: 'error',
    title: 'The public key is not that of the private key',
    why: 'What this sealer signs does not open with the key that verifiers are given.',
  },
  'memory-missing': {
    severity: 'error',
    title: 'The sealer’s memory is not there',
    why: 'Without what was signed last a rolled-back log cannot be told from a younger one; nothing is sealed.',
  },
  'memory-mode': {
    severity: 'error',
    title: 'The sealer’s memory can be written by others',
    why: 'They can make it forget what was signed, and a rolled-back log is then sealed as if it were whole.',
  },
  'not-sealed': {
    severity: 'error',
    title: 'A log is not sealed',
    why: 'Its records can be changed, removed or forged without a trace.',
  },
  'not-sealed-yet': {
    severity: 'note',
    title: 'A log has no checkpoint yet',
    why: 'It is empty or young; its records are protected from the first checkpoint on.',
  },
  'checkpoint-foreign': {
    severity: 'error',
    title: 'The checkpoint topic holds what no sealer wrote',
    why: 'Somebody erased checkpoints, or wrote among them, who should have no right to.',
  },
  'log-refused': {
    severity: 'error',
    title: 'Sealers refuse a log',
    why: 'What was signed and what is there contradict each other, so nothing more of it is sealed.',
  },
  'log-unknown': {
    severity: 'error',
    title: 'The sealer’s memory does not know a log',
    why: 'It is not sealed until someone has looked at it and adopts it.',
  },
  'sealer-lag': {
    severity: 'warning',
    title: 'Records wait for their checkpoint too long',
    why: 'Until it is signed, they can be changed or removed without a trace.',
  },
  'checkpoint-stale': {
    severity: 'error',
    title: 'The newest checkpoint is older than verify.maxAge',
    why: 'No sealer is at work: whoever rolls the log back to an older state is not seen.',
  },
  'checkpoint-slow': {
    severity: 'warning',
    title: 'Checkpoints are declared to be rarer than verifiers accept',
    why: 'A log that is sealed as declared is reported as stale all the same.',
  },
  'clock-skew': {
    severity: 'warning',
    title: 'A clock is ahead of this one',
    why: 'Times of events and checkpoints are evidence; by a clock that is ahead a stale head looks fresh.',
  },
  'compression-unknown': {
    severity: 'error',
    title: 'Brokers compress by a codec that is not known here',
    why: 'Neither sealers nor verifiers can read what is published from now on.',
  },
  'record-unreadable': {
    severity: 'error',
    title: 'The newest records of a log cannot be read',
    why: 'The bytes are damaged, or compressed in a way that is not known here: sealing stops there.',
  },
  'schema-unknown': {
    severity: 'warning',
    title: 'The newest event is of a schema that is not known here',
    why: 'It is sealed all the same, but replay cannot decode it.',
  },
  'event-foreign': {
    severity: 'note',
    title: 'The newest record is no audit event',
    why: 'It is sealed all the same; replay shows its bytes only.',
  },
  'schema-incompatible': {
    severity: 'error',
    title: 'A version of the event schema cannot read another',
    why: 'Events that were published cannot be decoded any more, or mean something else.',
  },
  'waiver-unused': {
    severity: 'warning',
    title: 'A waiver covers nothing',
    why: 'It waits to hide a deviation that nobody has decided on.',
  },
} as const satisfies Readonly<Record<string, Entry>>;
