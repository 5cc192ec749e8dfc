import { HearthError } from './errors.ts'

/** Nothing is done for what hearth.yml does not name. */
export class NotConfigured extends HearthError {
  override name = 'NotConfigured'
}
