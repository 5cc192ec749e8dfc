import type { ExecutionRecord } from './store.ts'

/** The `detail` of EventBridge's "Step Functions Execution Status Change" event; times in milliseconds. Source: developer guide. */
export interface StatusChange {
  executionArn: string
  stateMachineArn: string
  name: string
  status: ExecutionRecord['status']
  startDate: number
  stopDate: number | null
  input: string | null
  inputDetails: { included: boolean }
  output: string | null
  outputDetails: { included: boolean } | null
  error: string | null
  cause: string | null
  stateMachineVersionArn: null
  stateMachineAliasArn: null
  redriveCount: number
  redriveDate: number | null
  redriveStatus: 'NOT_REDRIVABLE'
  redriveStatusReason: string
}

// Input and output together may have 248 KiB in an event; above that they are left out. Source: developer guide.
const MOST_DATA = 253_952

export function statusChangeOf(record: ExecutionRecord): StatusChange {
  const {
    arn,
    machineArn,
    name,
    status,
    startDate,
    stopDate,
    input,
    output,
    error,
    cause,
    redriveCount,
    redriveDate,
  } = record
  const included = Buffer.byteLength(input) + Buffer.byteLength(output ?? '') <= MOST_DATA
  return {
    executionArn: arn,
    stateMachineArn: machineArn,
    name,
    status,
    startDate,
    stopDate: stopDate ?? null,
    input: included ? input : null,
    inputDetails: { included },
    output: included ? (output ?? null) : null,
    outputDetails: output === undefined ? null : { included },
    error: error ?? null,
    cause: cause ?? null,
    stateMachineVersionArn: null,
    stateMachineAliasArn: null,
    redriveCount,
    redriveDate: redriveDate ?? null,
    redriveStatus: 'NOT_REDRIVABLE',
    redriveStatusReason:
      status === 'RUNNING'
        ? 'Execution is RUNNING and cannot be redriven'
        : 'Redriving by hand is not supported',
  }
}
