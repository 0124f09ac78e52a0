import { ApartmentOutlined, ExportOutlined } from '@ant-design/icons';
import { BaseEdge, getBezierPath, Handle, Position, type EdgeProps, type NodeProps } from '@xyflow/react';
import { createContext, memo, useContext, type SyntheticEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { PriorityMark } from '../../components/priority';
import { titleOf } from '../../lib/format';
import type { BlockOutput, ModelDetail, ModelLive } from './api';
import { inputTop, outputTop, type GraphEdge, type GraphNode, type NodeData, type Part } from './graph';
import { blockParams, paramName, paramText, wordsOf } from './parts';
import { isConstant, natureOf, read, type Reading } from './signals';
import { SignalValue } from './signal-value';
import { TableBrief } from './table-view';

interface Shown {
  model: ModelDetail;
  live: ModelLive | undefined;
  /** Opens the sub-graph at a node. */
  onOpen: (id: string) => void;
}

/** The nodes stand still; only what they show of the model's state is renewed each second. */
export const ShownContext = createContext<Shown | null>(null);

export function useReading(ref: string): Reading {
  const shown = useContext(ShownContext);
  return shown ? read(shown.live?.signals[ref], natureOf(shown.model, ref)) : { kind: 'none' };
}

function Icon({ part }: { part: Part }) {
  const shown = useContext(ShownContext);
  if (part.kind !== 'condition') return null;
  const active = shown?.live?.conditions[part.condition.name] === true;
  return <PriorityMark priority={part.condition.priority} hollow={!active} none={!active} size={18} />;
}

const stop = (event: SyntheticEvent) => event.stopPropagation();

/** Where a node leads: into its sub-graph, or to the model that it reads. */
function Way({ part }: { part: Part }) {
  const { t } = useTranslation('models');
  const shown = useContext(ShownContext);
  if (part.kind === 'block' && part.block.graph !== null) {
    const label = t('models:subgraph.open', { title: titleOf(part.block.title) });
    return (
      <button
        type="button" className="hw-nodeway nodrag nopan" title={label} aria-label={label} data-testid="subgraph-open" onKeyDown={stop}
        onClick={(event) => { stop(event); shown?.onOpen(part.block.id); }}
      ><ApartmentOutlined /></button>
    );
  }
  if (part.kind !== 'port' || !part.port.link) return null;
  const label = t('models:link.open', { code: part.port.link.code });
  return (
    <Link
      to={`/models/${part.port.link.model}`} className="hw-nodeway nodrag nopan" title={label} aria-label={label} data-testid="link-open"
      onClick={stop} onKeyDown={stop}
    ><ExportOutlined /></Link>
  );
}

function OutputRow({ output }: { output: BlockOutput }) {
  const reading = useReading(output.signal);
  return (
    <div className="hw-noderow hw-nodeoutput" data-testid="graph-output" data-name={output.name}>
      <span className="hw-nowrap" title={titleOf(output.title)}>{output.name}</span><SignalValue reading={reading} />
    </div>
  );
}

function Body({ data }: { data: NodeData }) {
  const { t } = useTranslation('models');
  const shown = useContext(ShownContext);
  if (data.part.kind !== 'block' || !shown) return null;
  return (
    <div className="hw-nodebody">
      {data.inputs.map(({ name, ref }) => (
        <div key={name} className="hw-noderow">
          <span>{name}</span>
          {isConstant(ref) ? <b>{t(`models:signal.${ref}`)}</b> : null}
        </div>
      ))}
      {data.outputs.map((o) => <OutputRow key={o.name} output={o} />)}
      {blockParams(data.part.block).map(([name, value]) => {
        const { text, from, changed } = paramText(shown.model, name, value);
        return (
          <div key={name} className="hw-noderow hw-nodeparam" title={from}>
            <span>{paramName(name, t)}</span><b className="hw-num" data-changed={changed}>{text}</b>
          </div>
        );
      })}
      {data.part.block.table ? <TableBrief rows={data.part.block.table} /> : null}
    </div>
  );
}

export const PartNode = memo(function PartNode({ id, data, selected }: NodeProps<GraphNode>) {
  const { t } = useTranslation('models');
  const reading = useReading(data.ref);
  const words = wordsOf(data.part, t);
  const state = reading.kind === 'value' ? reading.quality : reading.kind;
  const kind = data.part.kind === 'block' && data.part.block.graph !== null ? 'graph' : data.part.kind;
  return (
    <div className="hw-node" data-kind={kind} data-state={state} data-selected={selected} data-testid="graph-node" data-id={id}>
      {data.inputs.map(({ name, ref }, at) => (isConstant(ref) ? null : (
        <Handle key={name} id={name || 'in'} type="target" position={Position.Left} isConnectable={false} style={{ top: inputTop(data, at) }} />
      )))}
      <div className="hw-nodehead">
        <span className="hw-nodetitle"><Icon part={data.part} /><b className="hw-nowrap hw-grow">{words.title}</b><Way part={data.part} /></span>
        <span className="hw-nodeline"><span className="hw-code hw-nowrap">{words.code}</span>{data.outputs.length ? null : <SignalValue reading={reading} />}</span>
      </div>
      <Body data={data} />
      {data.outputs.map(({ name }, at) => (
        <Handle key={name} id={name} type="source" position={Position.Right} isConnectable={false} style={{ top: outputTop(data, at) }} />
      ))}
      {!data.outputs.length && (data.part.kind === 'port' || data.part.kind === 'block')
        ? <Handle type="source" position={Position.Right} isConnectable={false} style={{ top: 27 }} /> : null}
    </div>
  );
});

/** An edge carries the value of its source; how it is drawn says true, false, unknown and bad without a colour. */
export const SignalEdge = memo(function SignalEdge(props: EdgeProps<GraphEdge>) {
  const { t } = useTranslation('models');
  const { sourceX, sourceY, targetX, targetY, sourcePosition, targetPosition, data, selected } = props;
  const reading = useReading(data?.ref ?? '');
  const [path] = getBezierPath({ sourceX, sourceY, targetX, targetY, sourcePosition, targetPosition });
  const state = reading.kind === 'value' ? reading.quality : reading.kind;
  const text = reading.kind === 'value' ? reading.text : reading.kind === 'none' ? '' : t(`models:signal.${reading.kind}`);
  return (
    <g className="hw-edge" data-state={state} data-selected={selected} data-testid="graph-edge" data-source={props.source} data-target={props.target}>
      <BaseEdge path={path} />
      <text x={targetX - 8} y={targetY - 5} textAnchor="end">{text}</text>
    </g>
  );
});
