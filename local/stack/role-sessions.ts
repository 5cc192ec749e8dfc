import type { Credentials, CredentialStore } from '../gateway/credentials.ts'
import { ACCOUNT, REGION } from '../gateway/service.ts'
import { TemplateError } from './template.ts'
import type { Role } from './world.ts'

/** What an AWS SDK client needs to act as a role. */
export interface ClientConfig {
  endpoint: string
  region: string
  credentials: Credentials
}

/** Stands for STS AssumeRole: hands out credentials for sessions of the template's roles. */
export interface RoleSessions {
  /**
   * @param role logical id
   * @throws TemplateError when the template has no such role
   */
  credentialsFor(role: string, session: string): Credentials
  clientConfig(roleArn: string, session: string): ClientConfig
}

export function createRoleSessions(
  roles: ReadonlyMap<string, Role>,
  credentials: CredentialStore,
  endpoint: string,
): RoleSessions {
  const assume = (role: Role | undefined, asked: string, session: string): Credentials => {
    if (role === undefined) throw new TemplateError(`the template has no role ${asked}`)
    // Source: STS API reference, AssumeRole, RoleSessionName.
    if (!/^[\w+=,.@-]{2,64}$/.test(session)) throw new Error(`"${session}" is no role session name`)
    return credentials.mint({
      kind: 'role',
      role: role.logicalId,
      session,
      arn: `arn:aws:sts::${ACCOUNT}:assumed-role/${role.name}/${session}`,
      userId: `${role.id}:${session}`,
    })
  }
  return {
    credentialsFor: (logicalId, session) =>
      assume(
        [...roles.values()].find((role) => role.logicalId === logicalId),
        logicalId,
        session,
      ),
    clientConfig: (roleArn, session) => ({
      endpoint,
      region: REGION,
      credentials: assume(roles.get(roleArn), roleArn, session),
    }),
  }
}
