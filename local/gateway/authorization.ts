import { evaluatePolicies, type PolicyDocument, type RequestContext } from './policy.ts'
import { policyForCaller, principalArnOf, type ResourcePolicy } from './resource-policy.ts'
import { ACCOUNT, REGION, type Call, type Caller } from './service.ts'
import { AccessDenied } from './service.ts'

/** The policies of the template that is running. */
export interface PolicySource {
  /** what a role's own policies say; by the role's logical id */
  identityPolicies(role: string): PolicyDocument[]
  /** bucket policies, by the bucket's name */
  bucketPolicies(bucket: string): ResourcePolicy[]
  /** resource policies of secrets, by the secret's ARN; absent when there are none */
  secretPolicies?(arn: string): ResourcePolicy[]
}

export interface DeniedCall {
  /** logical id of the role, or `anonymous`, or `operator` */
  role: string
  action: string
  resource: string
  /** which statement decided, or that none did */
  because: string
}

/** What has been asked for since the stack started. */
export interface AuthorizationRecord {
  /** calls that were answered with AccessDenied */
  readonly denied: DeniedCall[]
  /** `s3:PutObject` -> how often it was asked for */
  readonly calls: Map<string, number>
}

/** Carries what was denied to the gateway, which records it when the caller is told: a service may also ask only to know. */
export class DeniedByPolicy extends AccessDenied {
  readonly denied: DeniedCall
  constructor(message: string, denied: DeniedCall) {
    super(message)
    this.denied = denied
  }
}

const EVERYTHING: PolicyDocument = {
  Version: '2012-10-17',
  Statement: { Sid: 'Administrator', Effect: 'Allow', Action: '*', Resource: '*' },
}

/** The means by which a service asks whether this caller may; every question is counted. */
export function createCall(
  caller: Caller,
  request: { sourceIp: string; userAgent: string | undefined },
  policies: PolicySource,
  record: Pick<AuthorizationRecord, 'calls'>,
): Call {
  const global = { ...principalContext(caller), ...requestContext(request) }
  return {
    caller,
    authorize(action, resource, context = {}) {
      record.calls.set(action, (record.calls.get(action) ?? 0) + 1)
      const decision = evaluatePolicies(applicable(caller, resource, policies), {
        action,
        resource,
        context: { ...global, ...context },
      })
      if (decision.allowed) return
      const role = caller.kind === 'role' ? caller.role : caller.kind
      const who = caller.kind === 'anonymous' ? 'An anonymous caller' : `User: ${caller.arn}`
      throw new DeniedByPolicy(
        `${who} is not authorized to perform: ${action} on resource: ${resource}: ${decision.because}`,
        { role, action, resource, because: decision.because },
      )
    },
  }
}

function applicable(caller: Caller, resource: string, policies: PolicySource): PolicyDocument[] {
  const resourcePolicies = policiesOf(resource, policies)
  return [...identity(caller, policies), ...resourcePolicies.map((policy) => policyForCaller(policy, caller))]
}

function policiesOf(resource: string, policies: PolicySource): ResourcePolicy[] {
  const bucket = /^arn:aws:s3:::([^/]+)/.exec(resource)?.[1]
  return bucket === undefined ? (policies.secretPolicies?.(resource) ?? []) : policies.bucketPolicies(bucket)
}

function identity(caller: Caller, policies: PolicySource): PolicyDocument[] {
  if (caller.kind === 'operator') return [EVERYTHING]
  return caller.kind === 'role' ? policies.identityPolicies(caller.role) : []
}

/** Source: IAM user guide, "AWS global condition context keys", properties of the principal. */
function principalContext(caller: Caller): RequestContext {
  if (caller.kind === 'anonymous') return { 'aws:PrincipalType': 'Anonymous', 'aws:userid': 'anonymous' }
  return {
    'aws:PrincipalArn': principalArnOf(caller),
    'aws:PrincipalAccount': ACCOUNT,
    'aws:PrincipalType': caller.kind === 'role' ? 'AssumedRole' : 'User',
    'aws:userid': caller.userId,
    'aws:username': caller.kind === 'operator' ? 'operator' : undefined,
  }
}

/** The same page, properties of the request, of the network and of the resource. */
function requestContext(request: { sourceIp: string; userAgent: string | undefined }): RequestContext {
  const now = new Date()
  return {
    'aws:CurrentTime': now.toISOString(),
    'aws:EpochTime': String(Math.floor(now.getTime() / 1000)),
    'aws:RequestedRegion': REGION,
    'aws:ResourceAccount': ACCOUNT,
    // 127.0.0.1 without TLS stands for AWS's endpoints, which a policy may demand to be reached over TLS.
    'aws:SecureTransport': 'true',
    'aws:SourceIp': request.sourceIp,
    'aws:UserAgent': request.userAgent,
  }
}
