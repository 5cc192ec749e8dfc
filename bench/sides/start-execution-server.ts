import { join } from 'node:path'
import { readFileSync } from 'node:fs'
import type { DeliveryFile } from '../webhook-deliveries.ts'
import { serveUntilStopped } from '../serve-until-stopped.ts'

/** Answers `StartExecution` and `GetSecretValue` at once, and looks at nothing. Arguments: the folder, with the deliveries' file in the one above. */
const [folder = ''] = process.argv.slice(2)
const { secret } = JSON.parse(readFileSync(join(folder, '..', 'deliveries.json'), 'utf8')) as DeliveryFile

const EXECUTION = 'arn:aws:states:us-east-1:123456789012:execution:warm:push'
const answers: Record<string, string> = {
  StartExecution: JSON.stringify({ executionArn: EXECUTION, startDate: 1_700_000_000 }),
  GetSecretValue: JSON.stringify({ SecretString: JSON.stringify({ current: secret }) }),
}

serveUntilStopped(folder, (request, response) => {
  const action = String(request.headers['x-amz-target']).split('.')[1] ?? ''
  request.resume()
  request.once('end', () => {
    const body = answers[action]
    response.writeHead(body === undefined ? 400 : 200, { 'content-type': 'application/x-amz-json-1.0' })
    response.end(body ?? '{"__type":"UnknownOperationException"}')
  })
})
