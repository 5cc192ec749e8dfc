import { createHmac, timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { DeliveryFile } from '../webhook-deliveries.ts'
import { measureRounds } from './delivery-rounds.ts'

/**
 * The least that anything can do with a delivery: the HMAC over its bytes, compared, and its JSON parsed. Prints what it took. Arguments: the deliveries' file.
 */
const [file = ''] = process.argv.slice(2)
const { secret } = JSON.parse(readFileSync(file, 'utf8')) as DeliveryFile

const times = await measureRounds(file, ({ headers, body }) => {
  const digest = Buffer.from(`sha256=${createHmac('sha256', secret).update(body).digest('hex')}`)
  const payload: unknown = JSON.parse(body)
  return payload !== null && timingSafeEqual(digest, Buffer.from(headers['x-hub-signature-256'] ?? ''))
})
process.stdout.write(`${JSON.stringify(times)}\n`)
