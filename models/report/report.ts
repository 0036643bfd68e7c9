/**
 * What a reproduction found, as data: the claims of a paper with its numbers and ours, then figures and tables. `html.ts` and `markdown.ts` show
 * it; as JSON it is what `beamrig reproduce --json` prints.
 */
export interface Report {
  title: string;
  /** Paragraphs: what was measured on what, by which command, on which machine. */
  about: string[];
  claims: Claim[];
  sections: ReportSection[];
}

export interface Claim {
  claim: string;
  /** As the paper prints it; in words where it prints no number. */
  theirs: string;
  ours: string;
  /** When it holds, as a condition with its thresholds: `rate at least 24.7 % above theirs`. */
  rule: string;
  holds: boolean;
}

export interface ReportSection {
  title: string;
  /** Paragraphs. */
  text?: string[];
  tables?: ReportTable[];
  plots?: Plot[];
  heatMaps?: HeatMap[];
}

/** Cells in rows from top to bottom; what is not finite has no colour. */
export interface HeatMap {
  title: string;
  /** What columns and rows count. */
  x: string;
  y: string;
  values: readonly (readonly number[])[];
  unit: string;
  /** Value of the last colour, both ways. */
  limit: number;
}

export interface ReportTable {
  caption?: string;
  head: string[];
  /** As long as the head, each. */
  rows: string[][];
}

export interface Plot {
  title: string;
  x: Axis;
  y: Axis;
  lines: PlotLine[];
}

export interface Axis {
  label: string;
  log?: boolean;
}

/** Points that are not finite are left out, and interrupt the line. */
export interface PlotLine {
  label: string;
  x: readonly number[];
  y: readonly number[];
  /** Half the length of a bar at each point: a standard error. */
  error?: readonly number[];
  dashed?: boolean;
  /** Of the paper, or of its authors' program. */
  theirs?: boolean;
}
