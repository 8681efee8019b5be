using MoEActors.Modules.Experts;
using MoEActors.Modules.Kinds;

namespace MoEActors.Modules.MixtureOfExperts;

/// <summary>A kind of expert whose exceptions say whose they are, in which layer and when.</summary>
internal readonly struct NamedExpert(IExpertKind kind)
{
    public void Forward(ExpertBatch batch)
    {
        try
        {
            kind.Forward(batch);
        }
        catch (Exception e) when (KindException.Names(batch.Tape.Device, e))
        {
            throw KindException.Of("expert", kind.Name, KindPhase.Forward, batch.Tape.Clock.Mark.Layer, e);
        }
    }

    public void Backward(ExpertBatch batch)
    {
        try
        {
            kind.Backward(batch);
        }
        catch (Exception e) when (KindException.Names(batch.Tape.Device, e))
        {
            throw KindException.Of("expert", kind.Name, KindPhase.Backward, batch.Tape.Clock.Mark.Layer, e);
        }
    }
}
