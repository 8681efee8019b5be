using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;

namespace Orleans.Serialization;

/// <summary>Emits the function that copies an object member by member, constructors and read-only members notwithstanding.</summary>
internal static class MemberCopier
{
    private const BindingFlags Declared = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    private static readonly MethodInfo CopyMember = typeof(CopyContext).GetMethod(nameof(CopyContext.Copy))!;
    private static readonly MethodInfo Record = typeof(CopyContext).GetMethod(nameof(CopyContext.Record))!;
    private static readonly MethodInfo Uninitialized = typeof(RuntimeHelpers).GetMethod(nameof(RuntimeHelpers.GetUninitializedObject))!;
    private static readonly MethodInfo TypeOfHandle = typeof(Type).GetMethod(nameof(Type.GetTypeFromHandle))!;

    /// <summary>Copies the members that carry an <see cref="IdAttribute"/>, and the parameters of a record's primary constructor.</summary>
    public static Func<object, CopyContext, object> Emit(Type type) => Emit(type, [.. TravellingFields(type)]);

    public static Func<object, CopyContext, object> EmitAllFields(Type type) => Emit(type, type.GetFields(Declared));

    private static Func<object, CopyContext, object> Emit(Type type, FieldInfo[] fields)
    {
        var method = new DynamicMethod($"Copy({type.Name})", typeof(object), [typeof(object), typeof(CopyContext)], type, skipVisibility: true);
        ILGenerator il = method.GetILGenerator();
        LocalBuilder source = il.DeclareLocal(type);
        LocalBuilder copy = il.DeclareLocal(type);

        il.Emit(OpCodes.Ldarg_0);
        il.Emit(OpCodes.Unbox_Any, type);
        il.Emit(OpCodes.Stloc, source);
        EmitNew(il, type, copy);
        foreach (FieldInfo field in fields)
        {
            il.Emit(type.IsValueType ? OpCodes.Ldloca : OpCodes.Ldloc, copy);
            if (TypeCopier.IsKnownImmutable(field.FieldType))
            {
                il.Emit(OpCodes.Ldloc, source);
                il.Emit(OpCodes.Ldfld, field);
            }
            else
            {
                il.Emit(OpCodes.Ldarg_1);
                il.Emit(OpCodes.Ldloc, source);
                il.Emit(OpCodes.Ldfld, field);
                il.Emit(OpCodes.Box, field.FieldType);
                il.Emit(OpCodes.Call, CopyMember);
                il.Emit(OpCodes.Unbox_Any, field.FieldType);
            }

            il.Emit(OpCodes.Stfld, field);
        }

        il.Emit(OpCodes.Ldloc, copy);
        il.Emit(OpCodes.Box, type);
        il.Emit(OpCodes.Ret);
        return method.CreateDelegate<Func<object, CopyContext, object>>();
    }

    private static void EmitNew(ILGenerator il, Type type, LocalBuilder copy)
    {
        if (type.IsValueType)
        {
            il.Emit(OpCodes.Ldloca, copy);
            il.Emit(OpCodes.Initobj, type);
            return;
        }

        if (type.GetConstructor(Declared, Type.EmptyTypes) is ConstructorInfo constructor)
        {
            il.Emit(OpCodes.Newobj, constructor);
        }
        else
        {
            il.Emit(OpCodes.Ldtoken, type);
            il.Emit(OpCodes.Call, TypeOfHandle);
            il.Emit(OpCodes.Call, Uninitialized);
            il.Emit(OpCodes.Castclass, type);
        }

        il.Emit(OpCodes.Stloc, copy);
        il.Emit(OpCodes.Ldarg_1);
        il.Emit(OpCodes.Ldarg_0);
        il.Emit(OpCodes.Ldloc, copy);
        il.Emit(OpCodes.Call, Record);
    }

    private static IEnumerable<FieldInfo> TravellingFields(Type type)
    {
        for (Type? part = type; part is not null && part != typeof(object) && part != typeof(ValueType); part = part.BaseType)
        {
            GenerateSerializerAttribute? attribute = part.GetCustomAttribute<GenerateSerializerAttribute>(inherit: false);
            if (attribute is null)
            {
                continue;
            }

            HashSet<string> parameters = attribute.IncludesPrimaryConstructorOf(IsRecord(part)) ? PrimaryConstructorParameters(part) : [];
            foreach (FieldInfo field in part.GetFields(Declared))
            {
                // The field behind an automatic property is called <Name>k__BackingField, the one behind a captured parameter <name>P.
                string name = field.Name.StartsWith('<') ? field.Name[1..field.Name.IndexOf('>', StringComparison.Ordinal)] : field.Name;
                if (field.IsDefined(typeof(IdAttribute)) || (name != field.Name && parameters.Contains(name))
                    || part.GetProperty(name, Declared)?.IsDefined(typeof(IdAttribute)) == true)
                {
                    yield return field;
                }
            }
        }
    }

    private static bool IsRecord(Type type) =>
        type.GetMethod("<Clone>$", Declared) is not null
        || (type.IsValueType && type.GetMethod("PrintMembers", Declared)?.IsDefined(typeof(CompilerGeneratedAttribute)) == true);

    private static HashSet<string> PrimaryConstructorParameters(Type type) =>
    [
        .. type.GetConstructors(Declared)
            .Select(constructor => constructor.GetParameters())
            .Where(parameters => parameters.Length > 0 && !(parameters is [var only] && only.ParameterType == type))
            .OrderByDescending(parameters => parameters.Length)
            .FirstOrDefault([])
            .Select(parameter => parameter.Name!),
    ];
}
