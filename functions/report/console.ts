import { stateKeys } from '../shared/keys.ts'

/** Where a deployment's things are on AWS's console, for people who are signed in there. */
export interface Console {
  /** `arn:…:execution:<state machine>`, without the run */
  executions: string
  stateBucket: string
}

// Source: "AWS GovCloud (US) endpoints" and "Getting started with Amazon Web Services in China".
const HOSTS: Record<string, (region: string) => string> = {
  aws: (region) => `${region}.console.aws.amazon.com`,
  'aws-us-gov': () => 'console.amazonaws-us-gov.com',
  'aws-cn': () => 'console.amazonaws.cn',
}

/** The page of a run's execution. */
export function executionPage({ executions }: Console, run: string): string {
  const region = regionOf(executions)
  return `https://${hostOf(executions)}/states/home?region=${region}#/v2/executions/details/${executions}:${encodeURIComponent(run)}`
}

/** The page of the log that a build left which failed. */
export function logPage({ executions, stateBucket }: Console, run: string, drvBaseName: string): string {
  const key = encodeURIComponent(stateKeys.log(run, drvBaseName))
  return `https://${hostOf(executions)}/s3/object/${stateBucket}?region=${regionOf(executions)}&prefix=${key}`
}

function hostOf(arn: string): string {
  const [, partition = 'aws'] = arn.split(':')
  return (HOSTS[partition] ?? HOSTS['aws'])?.(regionOf(arn)) ?? ''
}

function regionOf(arn: string): string {
  return arn.split(':')[3] ?? ''
}
