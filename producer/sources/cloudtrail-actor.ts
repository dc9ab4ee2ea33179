import type { ActorInput, ActorType } from '../../schemas/generated.js';
import { type Fields, fieldsOf, text } from './flatten.js';

/**
 * userIdentity as the actor. The whole of it is also kept in the attributes `user_identity.…`.
 *
 *   principalId, else arn, identity provider, service or account   id
 *   userName                       display
 *   accessKeyId                    credential_id
 *   an assumed role: its session   session_id; the role's id on_behalf_of, its ARN roles
 *   onBehalfOf.userId              on_behalf_of (Identity Center)
 */
export function cloudTrailActor(identity: Fields, eventType: string | null): ActorInput {
  const issuer = fieldsOf(fieldsOf(identity['sessionContext'])?.['sessionIssuer']) ?? {};
  const principal = text(identity['principalId']);
  const assumed = text(identity['type']) === 'AssumedRole';
  const role = text(issuer['arn']);
  const user = text(fieldsOf(identity['onBehalfOf'])?.['userId']);
  return {
    type: actorType(identity, eventType),
    id:
      principal ??
      text(identity['arn']) ??
      text(identity['identityProvider']) ??
      text(identity['invokedBy']) ??
      text(identity['accountId']) ??
      '',
    display: text(identity['userName']),
    session_id: assumed ? afterColon(principal) : null,
    credential_id: text(identity['accessKeyId']),
    on_behalf_of: user ?? (assumed ? text(issuer['principalId']) : null),
    roles: assumed && role !== null ? [role] : [],
  };
}

const USERS = new Set([
  'Root',
  'IAMUser',
  'AssumedRole',
  'Role',
  'FederatedUser',
  'Directory',
  'AWSAccount',
  'SAMLUser',
  'WebIdentityUser',
  'IdentityCenterUser',
]);

function actorType(identity: Fields, eventType: string | null): ActorType {
  const type = text(identity['type']);
  if (type === 'AWSService') return 'SERVICE';
  const service = text(identity['invokedBy'])?.endsWith('.amazonaws.com') === true;
  if (type === 'AssumedRole' && service) return 'SERVICE';
  if (type !== null && USERS.has(type)) return 'USER';
  // What AWS itself does comes with no type.
  return type === null && eventType === 'AwsServiceEvent' ? 'SYSTEM' : 'UNKNOWN';
}

/** `AROA…:session name`. */
function afterColon(principal: string | null): string | null {
  const at = principal?.indexOf(':') ?? -1;
  return principal === null || at < 0 ? null : principal.slice(at + 1);
}
