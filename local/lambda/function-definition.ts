import { ACCOUNT, REGION } from '../gateway/service.ts'

/** A Lambda function as the template defines it. */
export interface FunctionDefinition {
  name: string
  /** logical id of its role in the template */
  role: string
  /** the unzipped code */
  codeFolder: string
  /** `dist/webhook/index.handler` */
  handler: string
  timeoutSeconds: number
  memoryMegabytes: number
  environment: Record<string, string>
  /** at most so many invocations at once; more are throttled */
  reservedConcurrency?: number
}

export function functionArn(name: string): string {
  return `arn:aws:lambda:${REGION}:${ACCOUNT}:function:${name}`
}

export function functionLogGroup(name: string): string {
  return `/aws/lambda/${name}`
}
