import type { IncomingMessage, ServerResponse } from 'node:http'

/**
 * What the gateway and the services behind it agree on. The gateway owns the socket: it authenticates the caller (SigV4), finds the
 * service by the credential scope, and hands over the request untouched, together with the caller and the means to ask for permission.
 */

/** Who signed a request. */
export type Caller =
  /** no signature at all */
  | { kind: 'anonymous' }
  /** the person at the command line of this machine; may do everything, like an account's administrator */
  | { kind: 'operator'; arn: string; userId: string }
  /** a role of the packaged template, assumed by a function, a build, a state machine or a laptop */
  | {
      kind: 'role'
      /** logical id of the role in the template */
      role: string
      /** `arn:aws:sts::…:assumed-role/<role>/<session>` */
      arn: string
      /** aws:userid: `<role id>:<session>` */
      userId: string
      session: string
    }

export interface Call {
  caller: Caller
  /**
   * Asks whether the caller may do `action` (`s3:GetObject`) on `resource` (an ARN), given condition keys of the request
   * (`s3:if-none-match`). Keys that every request has (aws:userid, aws:PrincipalArn, …) are added by the gateway.
   * @throws AccessDenied, which the service lets through: the gateway answers it in the service's own error format
   */
  authorize(action: string, resource: string, context?: Record<string, string | undefined>): void
}

/** A denied call: which role asked for what. Answered with status 403. */
export class AccessDenied extends Error {
  override name = 'AccessDenied'
}

/** One emulated AWS service. */
export interface Service {
  /** the service's name in a SigV4 credential scope: `s3`, `states`, `codebuild`, `lambda`, `secretsmanager`, `sts`, `logs` */
  readonly name: string
  handle(request: IncomingMessage, response: ServerResponse, call: Call): Promise<void>
  /** Stops timers, children and open files; resolves when nothing is left. */
  close(): Promise<void>
}

/** The one account and region of the local stack; the values AWS's own documentation uses for examples. */
export const ACCOUNT = '123456789012'
export const REGION = 'us-east-1'
