import { BaseEdge, getBezierPath, Handle, Position, type EdgeProps, type NodeProps } from '@xyflow/react';
import { createContext, memo, useContext } from 'react';
import { useTranslation } from 'react-i18next';
import { PriorityMark } from '../../components/priority';
import type { ModelDetail, ModelLive } from './api';
import { inputTop, type GraphEdge, type GraphNode, type NodeData, type Part } from './graph';
import { blockParams, paramName, paramText, wordsOf } from './parts';
import { natureOf, read, type Reading } from './signals';
import { SignalValue } from './signal-value';

interface Shown {
  model: ModelDetail;
  live: ModelLive | undefined;
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

function Body({ data }: { data: NodeData }) {
  const { t } = useTranslation('models');
  const shown = useContext(ShownContext);
  if (data.part.kind !== 'block' || !shown) return null;
  return (
    <div className="hw-nodebody">
      {data.inputs.map(({ name, ref }) => (
        <div key={name} className="hw-noderow">
          <span>{name}</span>
          {ref === 'true' || ref === 'false' ? <b>{t(`models:signal.${ref}`)}</b> : null}
        </div>
      ))}
      {blockParams(data.part.block).map(([name, value]) => {
        const { text, from, changed } = paramText(shown.model, name, value);
        return (
          <div key={name} className="hw-noderow hw-nodeparam" title={from}>
            <span>{paramName(name, t)}</span><b className="hw-num" data-changed={changed}>{text}</b>
          </div>
        );
      })}
    </div>
  );
}

export const PartNode = memo(function PartNode({ id, data, selected }: NodeProps<GraphNode>) {
  const { t } = useTranslation('models');
  const reading = useReading(data.ref);
  const words = wordsOf(data.part, t);
  const state = reading.kind === 'value' ? reading.quality : reading.kind;
  return (
    <div className="hw-node" data-kind={data.part.kind} data-state={state} data-selected={selected} data-testid="graph-node" data-id={id}>
      {data.inputs.map(({ name, ref }, at) => (ref === 'true' || ref === 'false' ? null : (
        <Handle key={name} id={name || 'in'} type="target" position={Position.Left} isConnectable={false} style={{ top: inputTop(data, at) }} />
      )))}
      <div className="hw-nodehead">
        <span className="hw-nodetitle"><Icon part={data.part} /><b className="hw-nowrap">{words.title}</b></span>
        <span className="hw-nodeline"><span className="hw-code hw-nowrap">{words.code}</span><SignalValue reading={reading} /></span>
      </div>
      <Body data={data} />
      {data.part.kind === 'port' || data.part.kind === 'block'
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
