import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { S3Client } from '@aws-sdk/client-s3'
import { SFNClient } from '@aws-sdk/client-sfn'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { HearthError } from '../../functions/shared/errors.ts'
import type { Bucket } from '../../functions/shared/objects.ts'

/** One deployed Hearth, in an AWS account or on this machine. */
export interface Deployment {
  sfn: SFNClient
  state: Bucket
  cacheBucket: string
  region: string
  warmStateMachine: string
  keysStateMachine: string
  repairStateMachine: string
  indexStateMachine: string
  executionArn: (run: string) => string
}

export interface DeploymentOptions {
  stage: string
  /** the system on this machine, and not the one in AWS */
  local?: boolean
  /** where a local system keeps its state */
  folder: string
}

export class NoDeployment extends HearthError {
  override name = 'NoDeployment'
}

/**
 * Finds a deployment by the caller's own account and region: resources/ names everything `hearth-<stage>-…`.
 * @throws NoDeployment when nobody is signed in, or no local system is running
 */
export async function findDeployment({ stage, local, folder }: DeploymentOptions): Promise<Deployment> {
  if (local === true) await useLocalSystem(folder)
  const sts = new STSClient({})
  const region = await sts.config.region().catch(() => undefined)
  if (region === undefined)
    throw new NoDeployment(
      'no AWS region is set: set AWS_REGION, or use --local for a system on this machine',
    )
  const account = await callerAccount(sts)
  const partition = region.startsWith('cn-') ? 'aws-cn' : region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws'
  const states = `arn:${partition}:states:${region}:${account}`
  const machine = `hearth-${stage}-warm`
  return {
    sfn: new SFNClient({}),
    state: { s3: new S3Client({}), name: `hearth-${stage}-state-${account}-${region}` },
    cacheBucket: `hearth-${stage}-cache-${account}-${region}`,
    region,
    warmStateMachine: `${states}:stateMachine:${machine}`,
    keysStateMachine: `${states}:stateMachine:hearth-${stage}-keys`,
    repairStateMachine: `${states}:stateMachine:hearth-${stage}-repair`,
    indexStateMachine: `${states}:stateMachine:hearth-${stage}-index`,
    executionArn: (run) => `${states}:execution:${machine}:${run}`,
  }
}

async function callerAccount(sts: STSClient): Promise<string> {
  try {
    const { Account } = await sts.send(new GetCallerIdentityCommand({}))
    if (Account !== undefined) return Account
  } catch (error) {
    throw new NoDeployment(
      `AWS does not know who you are (${error instanceof Error ? error.message : String(error)}): sign in, for example with \`aws sso login\``,
    )
  }
  throw new NoDeployment('AWS named no account for these credentials')
}

/** Points the AWS SDK of this process at a system on this machine, as its operator. */
async function useLocalSystem(folder: string): Promise<void> {
  const file = join(folder, 'stack.json')
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch {
    throw new NoDeployment(`there is no local system in ${folder}: start one with \`npm run demo -- --keep\``)
  }
  const { endpoint, region, operator } = JSON.parse(text) as {
    endpoint: string
    region: string
    operator: { accessKeyId: string; secretAccessKey: string }
  }
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: operator.accessKeyId,
    AWS_SECRET_ACCESS_KEY: operator.secretAccessKey,
  })
}
