/** Tells, once a model, that its beams have not the power asked for: what is predicted is that of full power, and the model's card is not. */
import { isOffPower } from '../../../core/signal/full-power.ts';
import type { RigEvent } from '../../telemetry/cycle-record.ts';

export interface PowerNews {
  /** A beam has come; `ratio` is ‖A·D‖²_F / P as the model gave it, undefined where nobody measured it. */
  of(modelId: string, ratio: number | undefined): void;
}

export function createPowerNews(tell: (event: Omit<RigEvent, 'timeNs'>) => void): PowerNews {
  const announced = new Set<string>();
  return {
    of: (modelId, ratio) => {
      if (ratio === undefined || !isOffPower(ratio) || announced.has(modelId)) return;
      announced.add(modelId);
      tell({
        level: 'warning',
        code: 'model-power',
        message: `The model '${modelId}' gives beams of ${ratio.toPrecision(3)} times the power asked for: its ‖A·D‖² is not P.`,
        action: 'Its digital precoder is scaled to the power of the rig; export the model with full power.',
      });
    },
  };
}
