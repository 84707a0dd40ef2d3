// Registration of the operators with torch and its autograd.

#include <ATen/Dispatch.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <optional>

#include "layer.h"
#include "normalise.h"
#include "pool.h"

namespace pnn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

void check_first_order() {
  TORCH_CHECK(!at::GradMode::is_enabled(),
              "the fused operators have no second derivatives: remove the library that "
              "pnn_core.fused.compile made to have torch's own");
}

// Returns no normalisation for an empty list of tensors.
std::optional<Norm> norm_of(at::TensorList of, double momentum, double eps) {
  if (of.empty()) return std::nullopt;
  return Norm{of[0], of[1], of[2], of[3], of[4], momentum, eps};
}

class PerturbCombine : public torch::autograd::Function<PerturbCombine> {
 public:
  // `parts` holds the normalisations' tensors too: these are the learnable ones.
  static Tensor forward(AutogradContext* ctx, const Tensor& x_in, const Tensor& noise_in,
                        const Tensor& w, const std::optional<Tensor>& b,
                        const std::optional<Tensor>& gamma, const std::optional<Tensor>& beta,
                        const std::optional<Tensor>& after_gamma,
                        const std::optional<Tensor>& after_beta,
                        const std::optional<Tensor>& shortcut, Parts parts) {
    const Tensor x = channels_last(x_in), noise = channels_last(noise_in);
    if (shortcut) parts.shortcut = channels_last(*shortcut);
    const LayerOutputs all = AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "perturb_combine", [&] {
      return layer_forward<scalar_t>(x, noise, w, b, parts);
    });
    const bool tells = parts.relu && shortcut;
    const auto present = [](const std::optional<Tensor>& tensor) {
      return tensor ? *tensor : Tensor();
    };
    ctx->save_for_backward({x, noise, w, present(gamma), present(beta), all.before.mean,
                            all.before.inv, parts.after ? all.y : Tensor(),
                            tells ? all.out : Tensor(), present(after_gamma), present(after_beta),
                            all.after.mean, all.after.inv});
    ctx->saved_data["has_bias"] = b.has_value();
    ctx->saved_data["relu"] = parts.relu;
    ctx->saved_data["shortcut"] = shortcut.has_value();
    return all.out;
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& d_out) {
    check_first_order();
    const auto saved = ctx->get_saved_variables();
    const auto learned = [&](size_t at) {
      return saved[at].defined()
                 ? std::optional<Norm>(Norm{saved[at], saved[at + 1], {}, {}, {}, 0, 0})
                 : std::nullopt;
    };
    Parts parts{learned(3), learned(9), std::nullopt, ctx->saved_data["relu"].toBool(), true};
    if (ctx->saved_data["shortcut"].toBool()) parts.shortcut = Tensor();
    const LayerOutputs all{saved[7], saved[8], {saved[5], saved[6]}, {saved[11], saved[12]}};
    const bool has_bias = ctx->saved_data["has_bias"].toBool();
    const LayerGradients d =
        AT_DISPATCH_FLOATING_TYPES(saved[0].scalar_type(), "perturb_combine", [&] {
          return layer_backward<scalar_t>(d_out[0], saved[0], saved[1], saved[2], has_bias, parts,
                                          all);
        });
    return {d.layer[0], {},        d.layer[1], d.layer[2],   d.layer[3],
            d.layer[4], d.d_gamma, d.d_beta,   d.d_shortcut, {}};
  }
};

class Normalise : public torch::autograd::Function<Normalise> {
 public:
  static Tensor forward(AutogradContext* ctx, const Tensor& x_in, const Tensor& gamma,
                        const Tensor& beta, const std::optional<Tensor>& shortcut_in,
                        const Norm& norm, bool relu, bool training) {
    const Tensor x = channels_last(x_in);
    std::optional<Tensor> shortcut;
    if (shortcut_in) shortcut = channels_last(*shortcut_in);
    auto [out, statistics] = AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "normalise", [&] {
      return normalise_forward<scalar_t>(x, norm, shortcut, relu, training);
    });
    ctx->save_for_backward({x, relu && shortcut ? out : Tensor(), gamma, beta, statistics.mean,
                            statistics.inv});
    ctx->saved_data["relu"] = relu;
    ctx->saved_data["shortcut"] = shortcut.has_value();
    return out;
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& d_out) {
    check_first_order();
    const auto saved = ctx->get_saved_variables();
    const Norm norm{saved[2], saved[3], {}, {}, {}, 0, 0};
    const auto d = AT_DISPATCH_FLOATING_TYPES(saved[0].scalar_type(), "normalise", [&] {
      return normalise_backward<scalar_t>(d_out[0], saved[0], saved[1], norm,
                                          {saved[4], saved[5]}, ctx->saved_data["relu"].toBool(),
                                          ctx->saved_data["shortcut"].toBool());
    });
    return {d[0], d[1], d[2], d[3], {}, {}, {}};
  }
};

class MaxPool : public torch::autograd::Function<MaxPool> {
 public:
  static Tensor forward(AutogradContext* ctx, const Tensor& x_in) {
    const Tensor x = channels_last(x_in);
    auto [y, places] = AT_DISPATCH_FLOATING_TYPES(
        x.scalar_type(), "max_pool", [&] { return max_pool_forward<scalar_t>(x); });
    ctx->save_for_backward({places});
    ctx->saved_data["height"] = x.size(2);
    ctx->saved_data["width"] = x.size(3);
    return y;
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& d_out) {
    check_first_order();
    const auto saved = ctx->get_saved_variables();
    return {AT_DISPATCH_FLOATING_TYPES(d_out[0].scalar_type(), "max_pool", [&] {
      return max_pool_backward<scalar_t>(d_out[0], saved[0], ctx->saved_data["height"].toInt(),
                                         ctx->saved_data["width"].toInt());
    })};
  }
};

Tensor perturb_combine(const Tensor& x, const Tensor& noise, const Tensor& w,
                       const std::optional<Tensor>& b, at::TensorList before,
                       double before_momentum, double before_eps, at::TensorList after,
                       double after_momentum, double after_eps,
                       const std::optional<Tensor>& shortcut, bool relu, bool training) {
  const auto learned = [](at::TensorList norm, size_t at) {
    return norm.empty() ? std::nullopt : std::optional<Tensor>(norm[at]);
  };
  return PerturbCombine::apply(x, noise, w, b, learned(before, 0), learned(before, 1),
                               learned(after, 0), learned(after, 1), shortcut,
                               Parts{norm_of(before, before_momentum, before_eps),
                                     norm_of(after, after_momentum, after_eps), std::nullopt, relu,
                                     training});
}

Tensor normalise_add_relu(const Tensor& x, at::TensorList norm, double momentum, double eps,
                          const std::optional<Tensor>& shortcut, bool relu, bool training) {
  return Normalise::apply(x, norm[0], norm[1], shortcut, *norm_of(norm, momentum, eps), relu,
                          training);
}

Tensor max_pool(const Tensor& x) { return MaxPool::apply(x); }

}  // namespace
}  // namespace pnn

TORCH_LIBRARY(pnn_core, library) {
  // Tensors of a normalisation: gamma, beta, running mean and variance, batches seen; or empty.
  library.def(
      "perturb_combine(Tensor x, Tensor noise, Tensor weight, Tensor? bias, "
      "Tensor[] before, float before_momentum, float before_eps, "
      "Tensor[] after, float after_momentum, float after_eps, "
      "Tensor? shortcut, bool relu, bool training) -> Tensor",
      pnn::perturb_combine);
  library.def(
      "normalise_add_relu(Tensor x, Tensor[] norm, float momentum, float eps, Tensor? shortcut, "
      "bool relu, bool training) -> Tensor",
      pnn::normalise_add_relu);
  library.def("max_pool(Tensor x) -> Tensor", pnn::max_pool);
}
